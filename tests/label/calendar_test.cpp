// Calendars and units of time, against a table that cftime made, and against themselves.
#include "freestone/label/calendar.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "storage/temporary_folder.h"

namespace freestone {
namespace {

using testing_files::error_of;

template <class Number>
struct Row {
  const char* units;
  const char* calendar;
  Number number;
  DateTime date;
  int day_of_year;
};

// cftime 1.6.6: num2date(number, units, calendar) and its dayofyr, for random numbers and around edges of the calendars.
const Row<std::int64_t> kWhole[] = {
// clang-format off
    {"milliseconds since 1600-2-29", "standard", 948849371028, {1630, 3, 25, 1, 16, 11, 28000000}, 84},
    {"hours since 0001-01-01", "standard", 83578, {10, 7, 15, 10, 0, 0, 0000}, 196},
    {"milliseconds since 2000-03-01T00:00:00 +05:30", "standard", -14185543263776, {1550, 8, 13, 5, 48, 56, 224000000}, 225},
    {"milliseconds since 1582-10-04 06:30:15", "standard", -45323758408227, {146, 7, 14, 17, 36, 46, 773000000}, 195},
    {"minutes since 1582-10-04 06:30:15", "standard", -244761833, {1117, 5, 24, 18, 37, 15, 0000}, 144},
    {"microseconds since 0001-01-01", "standard", -68163717686768, {-3, 11, 4, 1, 38, 2, 313232000}, 308},
    {"milliseconds since 2000-03-01T00:00:00 +05:30", "standard", 933051101539, {2029, 9, 23, 23, 21, 41, 539000000}, 266},
    {"microseconds since 2000-03-01T00:00:00 +05:30", "standard", -6724907366518809, {1787, 1, 22, 4, 40, 33, 481191000}, 22},
    {"seconds since 1600-2-29", "standard", -15280332180, {1115, 12, 6, 7, 17, 0, 0000}, 340},
    {"days since -4-03-01", "standard", 7643, {18, 2, 2, 0, 0, 0, 0000}, 33},
    {"days since 1850-01-01 12:00:00", "standard", 17834, {1898, 10, 30, 12, 0, 0, 0000}, 303},
    {"milliseconds since 1582-10-04 06:30:15", "standard", 1263344308595, {1622, 10, 26, 7, 28, 43, 595000000}, 299},
    {"milliseconds since 1999-12-31 23:59:59.5", "standard", 1657104731924, {2052, 7, 5, 10, 52, 11, 424000000}, 187},
    {"hours since 1600-2-29", "standard", 1965801, {1824, 6, 2, 9, 0, 0, 0000}, 154},
    {"seconds since 1999-12-31 23:59:59.5", "standard", -16102351725, {1489, 9, 17, 4, 31, 14, 500000000}, 260},
    {"hours since 2000-03-01T00:00:00 +05:30", "standard", 12615218, {3439, 4, 20, 20, 30, 0, 0000}, 110},
    {"hours since 1850-01-01 12:00:00", "standard", -3365300, {1466, 1, 24, 16, 0, 0, 0000}, 24},
    {"microseconds since 2000-03-01T00:00:00 +05:30", "standard", 1305290630811114, {2041, 7, 11, 7, 13, 50, 811114000}, 192},
    {"minutes since 2000-01-01", "standard", 19975476, {2037, 12, 23, 20, 36, 0, 0000}, 357},
    {"seconds since 1850-01-01 12:00:00", "standard", 1267350539, {1890, 2, 28, 21, 48, 59, 0000}, 59},
    {"microseconds since 0001-01-01", "standard", -12031396550286526, {-382, 10, 1, 17, 24, 9, 713474000}, 274},
    {"hours since 2000-01-01", "standard", -4538992, {1482, 3, 3, 8, 0, 0, 0000}, 62},
    {"hours since 2000-03-01T00:00:00 +05:30", "standard", 90971, {2010, 7, 17, 5, 30, 0, 0000}, 198},
    {"hours since 1850-01-01 12:00:00", "standard", -4528262, {1333, 5, 25, 22, 0, 0, 0000}, 145},
    {"microseconds since -4-03-01", "standard", -37430433521026504, {-1190, 1, 24, 9, 21, 18, 973496000}, 24},
    {"milliseconds since 2000-03-01T00:00:00 +05:30", "standard", 442888115882, {2014, 3, 13, 18, 58, 35, 882000000}, 72},
    {"days since 2000-01-01", "standard", -185390, {1492, 5, 24, 0, 0, 0, 0000}, 145},
    {"seconds since 2000-03-01T00:00:00 +05:30", "standard", 1430807765, {2045, 7, 3, 1, 6, 5, 0000}, 184},
    {"seconds since 1600-2-29", "standard", -14503974196, {1140, 7, 12, 22, 16, 44, 0000}, 194},
    {"milliseconds since 0001-01-01", "standard", -15963560715907, {-506, 2, 23, 13, 34, 44, 93000000}, 54},
    {"milliseconds since 1999-12-31 23:59:59.5", "standard", -16201293504563, {1486, 7, 30, 0, 41, 34, 937000000}, 211},
    {"minutes since 2000-01-01", "standard", -3195963, {1993, 12, 3, 13, 57, 0, 0000}, 337},
    {"microseconds since 1600-2-29", "standard", -35875513889103908, {463, 4, 23, 3, 28, 30, 896092000}, 113},
    {"microseconds since 0001-01-01", "standard", 1011470311255725, {33, 1, 19, 19, 58, 31, 255725000}, 19},
    {"hours since 1999-12-31 23:59:59.5", "proleptic_gregorian", -4257027, {1514, 5, 12, 20, 59, 59, 500000000}, 132},
    {"seconds since -4-03-01", "proleptic_gregorian", 1726503783, {50, 11, 15, 16, 23, 3, 0000}, 319},
    {"seconds since 1999-12-31 23:59:59.5", "proleptic_gregorian", -14717483467, {1533, 8, 15, 18, 8, 52, 500000000}, 227},
    {"hours since -4-03-01", "proleptic_gregorian", 185917, {17, 5, 16, 13, 0, 0, 0000}, 136},
    {"days since -4-03-01", "proleptic_gregorian", -187597, {-518, 7, 17, 0, 0, 0, 0000}, 198},
    {"days since -4-03-01", "proleptic_gregorian", -159797, {-442, 8, 28, 0, 0, 0, 0000}, 240},
    {"microseconds since -4-03-01", "proleptic_gregorian", 2145898631340320, {64, 2, 29, 18, 57, 11, 340320000}, 60},
    {"milliseconds since 0001-01-01", "proleptic_gregorian", -15886355870112, {-503, 8, 1, 3, 22, 9, 888000000}, 213},
    {"microseconds since 1600-2-29", "proleptic_gregorian", -16824491517755456, {1067, 1, 6, 2, 8, 2, 244544000}, 6},
    {"hours since 1600-2-29", "proleptic_gregorian", -17996840, {-453, 2, 3, 16, 0, 0, 0000}, 34},
    {"microseconds since 1850-01-01 12:00:00", "proleptic_gregorian", 1228443836075217, {1888, 12, 5, 14, 23, 56, 75217000}, 340},
    {"hours since 1850-01-01 12:00:00", "proleptic_gregorian", -3917229, {1403, 2, 16, 15, 0, 0, 0000}, 47},
    {"seconds since 1582-10-04 06:30:15", "proleptic_gregorian", -14317993496, {1129, 1, 14, 18, 5, 19, 0000}, 14},
    {"seconds since 0001-01-01", "proleptic_gregorian", -28314693637, {-897, 9, 30, 15, 19, 23, 0000}, 273},
    {"minutes since 1999-12-31 23:59:59.5", "proleptic_gregorian", 24287547, {2046, 3, 6, 8, 26, 59, 500000000}, 65},
    {"minutes since 2000-01-01", "proleptic_gregorian", -282415652, {1463, 1, 14, 0, 28, 0, 0000}, 14},
    {"minutes since 2000-01-01", "proleptic_gregorian", 10122853, {2019, 3, 31, 18, 13, 0, 0000}, 90},
    {"days since 1850-01-01 12:00:00", "proleptic_gregorian", -166563, {1393, 12, 19, 12, 0, 0, 0000}, 353},
    {"seconds since 1600-2-29", "proleptic_gregorian", 1407776919, {1644, 10, 8, 17, 8, 39, 0000}, 282},
    {"hours since 1999-12-31 23:59:59.5", "proleptic_gregorian", 16270257, {3856, 2, 7, 8, 59, 59, 500000000}, 38},
    {"microseconds since 0001-01-01", "proleptic_gregorian", 63486953209570304, {2012, 10, 27, 16, 46, 49, 570304000}, 301},
    {"microseconds since 0001-01-01", "proleptic_gregorian", 7385532613031803, {235, 1, 15, 16, 50, 13, 31803000}, 15},
    {"days since 1999-12-31 23:59:59.5", "proleptic_gregorian", 114110, {2312, 6, 3, 23, 59, 59, 500000000}, 155},
    {"minutes since 2000-01-01", "proleptic_gregorian", -157847789, {1699, 11, 17, 11, 31, 0, 0000}, 321},
    {"milliseconds since 1850-01-01 12:00:00", "proleptic_gregorian", -23001997296845, {1121, 2, 5, 16, 18, 23, 155000000}, 36},
    {"days since 1600-2-29", "proleptic_gregorian", 9058, {1624, 12, 17, 0, 0, 0, 0000}, 352},
    {"seconds since 1999-12-31 23:59:59.5", "proleptic_gregorian", -11038389626, {1650, 3, 16, 20, 39, 33, 500000000}, 75},
    {"hours since 1850-01-01 12:00:00", "proleptic_gregorian", -4542088, {1331, 11, 4, 20, 0, 0, 0000}, 308},
    {"seconds since 1850-01-01 12:00:00", "proleptic_gregorian", -13256938005, {1429, 11, 27, 17, 13, 15, 0000}, 331},
    {"minutes since 1999-12-31 23:59:59.5", "proleptic_gregorian", 10862254, {2020, 8, 26, 5, 33, 59, 500000000}, 239},
    {"hours since 2000-01-01", "proleptic_gregorian", -4108403, {1531, 4, 26, 13, 0, 0, 0000}, 116},
    {"hours since 1850-01-01 12:00:00", "proleptic_gregorian", -4168125, {1374, 7, 3, 15, 0, 0, 0000}, 184},
    {"hours since -4-03-01", "proleptic_gregorian", 122093, {10, 2, 3, 5, 0, 0, 0000}, 34},
    {"days since 1999-12-31 23:59:59.5", "proleptic_gregorian", 614637, {3682, 10, 25, 23, 59, 59, 500000000}, 298},
    {"milliseconds since 0001-01-01", "julian", -13081670447689, {-415, 6, 20, 18, 39, 12, 311000000}, 171},
    {"seconds since 0001-01-01", "julian", -14845297137, {-471, 8, 1, 10, 21, 3, 0000}, 213},
    {"hours since 0001-01-01", "julian", 466074, {54, 3, 3, 18, 0, 0, 0000}, 62},
    {"microseconds since 2000-03-01T00:00:00 +05:30", "julian", 165042130268062, {2005, 5, 23, 23, 32, 10, 268062000}, 143},
    {"seconds since 1999-12-31 23:59:59.5", "julian", -15212100576, {1517, 12, 16, 0, 30, 23, 500000000}, 350},
    {"hours since 2000-03-01T00:00:00 +05:30", "julian", 7232819, {2825, 4, 6, 5, 30, 0, 0000}, 96},
    {"milliseconds since 1582-10-04 06:30:15", "julian", 4061935799085, {1711, 6, 22, 10, 0, 14, 85000000}, 173},
    {"microseconds since 1600-2-29", "julian", 1259988320768510, {1640, 2, 2, 4, 45, 20, 768510000}, 33},
    {"microseconds since 2000-01-01", "julian", -16470033296763274, {1478, 2, 4, 14, 45, 3, 236726000}, 35},
    {"seconds since 1582-10-04 06:30:15", "julian", 45984697767, {3039, 12, 4, 13, 39, 42, 0000}, 338},
    {"milliseconds since 1999-12-31 23:59:59.5", "julian", -12822420982922, {1593, 9, 6, 8, 23, 36, 578000000}, 249},
    {"milliseconds since 0001-01-01", "julian", 9046165688506, {287, 8, 28, 23, 48, 8, 506000000}, 240},
    {"milliseconds since 1999-12-31 23:59:59.5", "julian", -217209365545, {1993, 2, 12, 0, 3, 53, 955000000}, 43},
    {"minutes since 1582-10-04 06:30:15", "julian", 3108921, {1588, 9, 1, 5, 51, 15, 0000}, 245},
    {"microseconds since 2000-01-01", "julian", 924248026077171, {2029, 4, 15, 7, 33, 46, 77171000}, 105},
    {"days since 2000-03-01T00:00:00 +05:30", "julian", -165307, {1547, 7, 30, 18, 30, 0, 0000}, 211},
    {"microseconds since -4-03-01", "julian", -38654002548447680, {-1229, 4, 16, 17, 4, 11, 552320000}, 107},
    {"minutes since 1600-2-29", "julian", -275883712, {1075, 8, 18, 2, 8, 0, 0000}, 230},
    {"minutes since 2000-03-01T00:00:00 +05:30", "julian", -236850598, {1549, 11, 4, 4, 32, 0, 0000}, 308},
    {"days since 1600-2-29", "julian", -155806, {1173, 8, 3, 0, 0, 0, 0000}, 215},
    {"days since 1850-01-01 12:00:00", "julian", 403161, {2953, 10, 18, 12, 0, 0, 0000}, 291},
    {"milliseconds since 2000-01-01", "julian", 415774936570, {2013, 3, 5, 5, 2, 16, 570000000}, 64},
    {"seconds since 0001-01-01", "julian", -12188136634, {-387, 10, 13, 14, 29, 26, 0000}, 286},
    {"minutes since 1582-10-04 06:30:15", "julian", -279180333, {1051, 12, 16, 0, 57, 15, 0000}, 350},
    {"microseconds since 2000-01-01", "julian", -14340877355253770, {1545, 7, 25, 14, 57, 24, 746230000}, 206},
    {"microseconds since 1850-01-01 12:00:00", "julian", 15677179606452616, {2346, 10, 13, 8, 6, 46, 452616000}, 286},
    {"minutes since 0001-01-01", "julian", 11503206, {22, 11, 15, 8, 6, 0, 0000}, 319},
    {"hours since 2000-03-01T00:00:00 +05:30", "julian", -17061085, {53, 11, 19, 5, 30, 0, 0000}, 323},
    {"microseconds since -4-03-01", "julian", -3191610750377267, {-105, 1, 11, 1, 27, 29, 622733000}, 11},
    {"microseconds since 1600-2-29", "julian", -14205807962194568, {1150, 1, 2, 22, 13, 57, 805432000}, 2},
    {"microseconds since 1582-10-04 06:30:15", "julian", -2392314816922198, {1506, 12, 13, 10, 36, 38, 77802000}, 347},
    {"seconds since 0001-01-01", "julian", -28667998076, {-909, 7, 26, 11, 12, 4, 0000}, 208},
    {"minutes since 1999-12-31 23:59:59.5", "julian", 331481239, {2630, 3, 29, 7, 18, 59, 500000000}, 88},
    {"microseconds since 1999-12-31 23:59:59.5", "julian", -28346079708937064, {1101, 10, 7, 8, 58, 10, 562936000}, 280},
    {"seconds since 1999-12-31 23:59:59.5", "noleap", 278103359, {2008, 10, 26, 18, 55, 58, 500000000}, 299},
    {"microseconds since 1999-12-31 23:59:59.5", "noleap", -42153158729109680, {663, 5, 2, 5, 14, 30, 390320000}, 122},
    {"seconds since 1999-12-31 23:59:59.5", "noleap", -47668997449, {488, 6, 5, 11, 49, 10, 500000000}, 156},
    {"seconds since 1999-12-31 23:59:59.5", "noleap", 1644211368, {2052, 2, 20, 5, 22, 47, 500000000}, 51},
    {"hours since 1582-10-04 06:30:15", "noleap", -4200186, {1103, 4, 14, 12, 30, 15, 0000}, 104},
    {"hours since 1582-10-04 06:30:15", "noleap", 453990, {1634, 8, 1, 12, 30, 15, 0000}, 213},
    {"days since 1999-12-31 23:59:59.5", "noleap", 14700, {2040, 4, 10, 23, 59, 59, 500000000}, 100},
    {"seconds since 1999-12-31 23:59:59.5", "noleap", -7629196858, {1758, 1, 30, 2, 39, 1, 500000000}, 30},
    {"microseconds since 1582-10-04 06:30:15", "noleap", 405431940243088, {1595, 8, 12, 18, 29, 15, 243088000}, 224},
    {"minutes since 1850-01-01 12:00:00", "noleap", -214437362, {1442, 1, 6, 15, 58, 0, 0000}, 6},
    {"minutes since 1999-12-31 23:59:59.5", "noleap", -3790102, {1992, 10, 15, 23, 37, 59, 500000000}, 288},
    {"hours since 2000-01-01", "noleap", -15280397, {255, 8, 30, 19, 0, 0, 0000}, 242},
    {"microseconds since 0001-01-01", "noleap", -161922577086891, {-5, 11, 12, 21, 30, 22, 913109000}, 316},
    {"milliseconds since 2000-01-01", "noleap", -104933517574, {1996, 9, 3, 11, 48, 2, 426000000}, 246},
    {"microseconds since -4-03-01", "noleap", -12277604842724864, {-394, 11, 4, 2, 12, 37, 275136000}, 308},
    {"days since 2000-03-01T00:00:00 +05:30", "noleap", 728487, {3996, 1, 6, 18, 30, 0, 0000}, 6},
    {"milliseconds since 0001-01-01", "noleap", 23625040941926, {750, 2, 22, 23, 22, 21, 926000000}, 53},
    {"days since 2000-01-01", "noleap", -146107, {1599, 9, 16, 0, 0, 0, 0000}, 259},
    {"days since 1850-01-01 12:00:00", "noleap", -161199, {1408, 5, 12, 12, 0, 0, 0000}, 132},
    {"microseconds since 1999-12-31 23:59:59.5", "noleap", 281543688132338, {2008, 12, 5, 14, 34, 47, 632338000}, 339},
    {"minutes since 1582-10-04 06:30:15", "noleap", -238460764, {1129, 1, 24, 12, 26, 15, 0000}, 24},
    {"microseconds since 0001-01-01", "noleap", 1481562330508031, {47, 12, 24, 17, 5, 30, 508031000}, 358},
    {"days since 1582-10-04 06:30:15", "noleap", 5615, {1598, 2, 21, 6, 30, 15, 0000}, 52},
    {"minutes since 2000-01-01", "noleap", -224360547, {1573, 2, 19, 1, 33, 0, 0000}, 50},
    {"microseconds since 1582-10-04 06:30:15", "noleap", -12714790840921952, {1179, 7, 29, 8, 9, 34, 78048000}, 210},
    {"seconds since 0001-01-01", "noleap", -2284055473, {-72, 7, 29, 4, 8, 47, 0000}, 210},
    {"seconds since 2000-03-01T00:00:00 +05:30", "noleap", -12459815016, {1605, 1, 23, 22, 46, 24, 0000}, 23},
    {"microseconds since 2000-03-01T00:00:00 +05:30", "noleap", -12177271950658188, {1614, 1, 9, 2, 57, 29, 341812000}, 9},
    {"microseconds since 2000-01-01", "noleap", 47553067545870624, {3507, 11, 24, 17, 25, 45, 870624000}, 328},
    {"minutes since 0001-01-01", "noleap", -234868145, {-446, 2, 22, 2, 55, 0, 0000}, 53},
    {"seconds since 1582-10-04 06:30:15", "noleap", -15499881328, {1091, 4, 5, 11, 54, 47, 0000}, 95},
    {"hours since 1999-12-31 23:59:59.5", "noleap", 243109, {2027, 10, 2, 12, 59, 59, 500000000}, 275},
    {"days since 1582-10-04 06:30:15", "noleap", -199987, {1034, 11, 6, 6, 30, 15, 0000}, 310},
    {"microseconds since 2000-01-01", "noleap", -13211390174611646, {1581, 1, 26, 9, 23, 45, 388354000}, 26},
    {"hours since -4-03-01", "all_leap", 303227, {30, 9, 7, 11, 0, 0, 0000}, 251},
    {"minutes since 1850-01-01 12:00:00", "all_leap", 8834000, {1866, 10, 6, 5, 20, 0, 0000}, 280},
    {"milliseconds since 0001-01-01", "all_leap", 880208097350, {28, 11, 1, 14, 14, 57, 350000000}, 306},
    {"hours since -4-03-01", "all_leap", -8475092, {-969, 5, 1, 4, 0, 0, 0000}, 122},
    {"seconds since 1850-01-01 12:00:00", "all_leap", -39236707601, {609, 3, 18, 22, 33, 19, 0000}, 78},
    {"microseconds since 0001-01-01", "all_leap", -20991791348049, {0, 5, 3, 0, 56, 48, 651951000}, 124},
    {"hours since 1999-12-31 23:59:59.5", "all_leap", 134251, {2015, 4, 13, 18, 59, 59, 500000000}, 104},
    {"milliseconds since 2000-03-01T00:00:00 +05:30", "all_leap", -16150784960708, {1489, 6, 4, 9, 20, 39, 292000000}, 156},
    {"microseconds since 1850-01-01 12:00:00", "all_leap", -34355733075289804, {763, 7, 25, 16, 48, 44, 710196000}, 207},
    {"microseconds since 1850-01-01 12:00:00", "all_leap", 16217772552213364, {2362, 11, 10, 4, 49, 12, 213364000}, 315},
    {"days since 2000-03-01T00:00:00 +05:30", "all_leap", 9253, {2025, 6, 11, 18, 30, 0, 0000}, 163},
    {"milliseconds since 1850-01-01 12:00:00", "all_leap", 788731442697, {1874, 12, 11, 8, 4, 2, 697000000}, 346},
    {"minutes since 1600-2-29", "all_leap", -2050309, {1596, 4, 9, 4, 11, 0, 0000}, 100},
    {"microseconds since 2000-03-01T00:00:00 +05:30", "all_leap", 473800546161210, {2015, 2, 23, 13, 45, 46, 161210000}, 54},
    {"hours since 2000-01-01", "all_leap", -17245255, {36, 9, 28, 17, 0, 0, 0000}, 272},
    {"minutes since 0001-01-01", "all_leap", -240702208, {-456, 4, 17, 16, 32, 0, 0000}, 108},
    {"microseconds since 2000-03-01T00:00:00 +05:30", "all_leap", -15903882571741294, {1497, 3, 26, 1, 20, 28, 258706000}, 86},
    {"hours since 2000-03-01T00:00:00 +05:30", "all_leap", 214570, {2024, 8, 4, 4, 30, 0, 0000}, 217},
    {"minutes since 1850-01-01 12:00:00", "all_leap", 279446852, {2380, 3, 21, 19, 32, 0, 0000}, 81},
    {"minutes since 1582-10-04 06:30:15", "all_leap", 26692737, {1633, 5, 27, 21, 27, 15, 0000}, 148},
    {"microseconds since 0001-01-01", "all_leap", 18681672316421160, {591, 10, 10, 1, 25, 16, 421160000}, 284},
    {"seconds since -4-03-01", "all_leap", 694533181, {18, 2, 16, 13, 53, 1, 0000}, 47},
    {"days since 2000-03-01T00:00:00 +05:30", "all_leap", 261754, {2715, 5, 3, 18, 30, 0, 0000}, 124},
    {"seconds since 0001-01-01", "all_leap", -16091831037, {-508, 2, 15, 22, 56, 3, 0000}, 46},
    {"days since -4-03-01", "all_leap", -180228, {-497, 9, 27, 0, 0, 0, 0000}, 271},
    {"milliseconds since 1582-10-04 06:30:15", "all_leap", 992450769490, {1614, 2, 21, 23, 16, 24, 490000000}, 52},
    {"days since 1850-01-01 12:00:00", "all_leap", 319, {1850, 11, 15, 12, 0, 0, 0000}, 320},
    {"minutes since 0001-01-01", "all_leap", -231357199, {-438, 1, 10, 6, 41, 0, 0000}, 10},
    {"microseconds since 1999-12-31 23:59:59.5", "all_leap", 330761423445445, {2010, 6, 17, 6, 10, 22, 945445000}, 169},
    {"days since 1999-12-31 23:59:59.5", "all_leap", -584851, {402, 1, 17, 23, 59, 59, 500000000}, 17},
    {"seconds since -4-03-01", "all_leap", -12662103999, {-405, 9, 30, 20, 53, 21, 0000}, 274},
    {"seconds since 0001-01-01", "all_leap", 62084372211, {1964, 4, 21, 2, 56, 51, 0000}, 112},
    {"days since 2000-01-01", "all_leap", -155692, {1574, 8, 12, 0, 0, 0, 0000}, 225},
    {"microseconds since 0001-01-01", "all_leap", 48763739341529368, {1543, 1, 24, 3, 9, 1, 529368000}, 24},
    {"hours since 2000-01-01", "360_day", 276661, {2032, 1, 8, 13, 0, 0, 0000}, 8},
    {"seconds since 0001-01-01", "360_day", 350706967, {12, 4, 10, 2, 36, 7, 0000}, 100},
    {"minutes since 1600-2-29", "360_day", 27903023, {1653, 12, 26, 2, 23, 0, 0000}, 356},
    {"minutes since -4-03-01", "360_day", 16502343, {27, 12, 30, 23, 3, 0, 0000}, 360},
    {"minutes since 0001-01-01", "360_day", 17366679, {34, 7, 1, 4, 39, 0, 0000}, 181},
    {"microseconds since 0001-01-01", "360_day", 216094994167688, {7, 12, 12, 2, 23, 14, 167688000}, 342},
    {"seconds since 1850-01-01 12:00:00", "360_day", 610210350, {1869, 8, 14, 2, 52, 30, 0000}, 224},
    {"minutes since 2000-01-01", "360_day", 18378491, {2035, 6, 13, 20, 11, 0, 0000}, 163},
    {"seconds since 1850-01-01 12:00:00", "360_day", -47878590633, {310, 9, 11, 3, 29, 27, 0000}, 251},
    {"days since 1582-10-04 06:30:15", "360_day", -150461, {1164, 10, 23, 6, 30, 15, 0000}, 293},
    {"milliseconds since 1582-10-04 06:30:15", "360_day", 49869540147090, {3186, 1, 28, 0, 32, 42, 90000000}, 28},
    {"minutes since 1850-01-01 12:00:00", "360_day", 681861901, {3165, 4, 26, 17, 1, 0, 0000}, 116},
    {"milliseconds since 1850-01-01 12:00:00", "360_day", -16645236707537, {1314, 11, 8, 7, 8, 12, 463000000}, 308},
    {"hours since 1850-01-01 12:00:00", "360_day", 406062, {1896, 12, 30, 18, 0, 0, 0000}, 360},
    {"microseconds since 1850-01-01 12:00:00", "360_day", -16633627104649736, {1315, 3, 22, 16, 1, 35, 350264000}, 82},
    {"minutes since 1850-01-01 12:00:00", "360_day", -267789102, {1333, 6, 6, 20, 18, 0, 0000}, 156},
    {"milliseconds since 1600-2-29", "360_day", -13237351103927, {1174, 7, 28, 22, 1, 36, 73000000}, 208},
    {"milliseconds since 1850-01-01 12:00:00", "360_day", -17157058931747, {1298, 5, 24, 10, 17, 48, 253000000}, 144},
    {"microseconds since -4-03-01", "360_day", -13605734438086316, {-442, 9, 27, 5, 19, 21, 913684000}, 267},
    {"minutes since 1600-2-29", "360_day", 224132700, {2032, 7, 6, 17, 0, 0, 0000}, 186},
    {"minutes since -4-03-01", "360_day", -289893311, {-564, 12, 16, 4, 49, 0, 0000}, 346},
    {"minutes since -4-03-01", "360_day", 10798446, {16, 12, 29, 22, 6, 0, 0000}, 359},
    {"minutes since 2000-01-01", "360_day", -233136880, {1550, 4, 10, 9, 20, 0, 0000}, 100},
    {"seconds since -4-03-01", "360_day", -16525146568, {-536, 11, 17, 17, 30, 32, 0000}, 317},
    {"microseconds since 2000-03-01T00:00:00 +05:30", "360_day", 683078090252716, {2022, 2, 16, 18, 24, 50, 252716000}, 46},
    {"minutes since 0001-01-01", "360_day", -266970707, {-514, 1, 4, 16, 13, 0, 0000}, 4},
    {"seconds since 1850-01-01 12:00:00", "360_day", 400349244, {1862, 11, 15, 4, 7, 24, 0000}, 315},
    {"milliseconds since 1850-01-01 12:00:00", "360_day", -12747111424420, {1440, 3, 5, 11, 42, 55, 580000000}, 65},
    {"days since 0001-01-01", "360_day", -169228, {-470, 12, 3, 0, 0, 0, 0000}, 333},
    {"hours since 1582-10-04 06:30:15", "360_day", -4149503, {1102, 6, 28, 7, 30, 15, 0000}, 178},
    {"milliseconds since -4-03-01", "360_day", 57329720938742, {1839, 4, 29, 10, 28, 58, 742000000}, 119},
    {"seconds since 1582-10-04 06:30:15", "360_day", -17031436726, {1035, 3, 11, 3, 51, 29, 0000}, 71},
    {"seconds since 0001-01-01", "360_day", -12400458696, {-398, 4, 27, 4, 8, 24, 0000}, 117},
    {"minutes since -4-03-01", "360_day", -255402589, {-497, 6, 28, 2, 11, 0, 0000}, 178},
    {"days since 1582-10-04", "standard", 1, {1582, 10, 15, 0, 0, 0, 0000}, 288},
    {"days since 1582-10-15", "standard", -1, {1582, 10, 4, 0, 0, 0, 0000}, 277},
    {"days since 0001-01-01", "standard", -1, {-1, 12, 31, 0, 0, 0, 0000}, 366},
    {"days since -1-01-01", "standard", 366, {1, 1, 1, 0, 0, 0, 0000}, 1},
    {"days since 0001-01-01", "proleptic_gregorian", -1, {0, 12, 31, 0, 0, 0, 0000}, 366},
    {"days since 0001-01-01", "julian", -366, {-1, 1, 1, 0, 0, 0, 0000}, 1},
    {"days since 1900-01-01", "standard", 59, {1900, 3, 1, 0, 0, 0, 0000}, 60},
    {"days since 1900-01-01", "julian", 59, {1900, 2, 29, 0, 0, 0, 0000}, 60},
    {"days since 1500-01-01", "standard", 60, {1500, 3, 1, 0, 0, 0, 0000}, 61},
    {"days since 1500-01-01", "standard", 59, {1500, 2, 29, 0, 0, 0, 0000}, 60},
    {"months since 2000-01-01", "360_day", 7, {2000, 8, 1, 0, 0, 0, 0000}, 211},
    {"common_years since 2000-02-01", "noleap", 3, {2003, 2, 1, 0, 0, 0, 0000}, 32},
    // clang-format on
};

const Row<double> kFractions[] = {
// clang-format off
    {"hours since 2000-01-01", "standard", 159769.3268956049, {2018, 3, 24, 1, 19, 36, 824178000}, 83},
    {"hours since 1850-01-01 12:00:00", "standard", -222174.43812969959, {1824, 8, 28, 5, 33, 42, 733081000}, 241},
    {"days since 2000-01-01", "standard", -3894.471145651565, {1989, 5, 3, 12, 41, 33, 15705000}, 123},
    {"days since 1850-01-01 12:00:00", "standard", 4455.203648878232, {1862, 3, 14, 16, 53, 15, 263079000}, 73},
    {"hours since 2000-01-01", "standard", -109399.0935034997, {1987, 7, 9, 16, 54, 23, 387401000}, 190},
    {"minutes since 2000-01-01", "standard", -15186971.961193614, {1971, 2, 15, 11, 48, 2, 328383000}, 46},
    {"minutes since 1850-01-01 12:00:00", "proleptic_gregorian", -21454890.93504059, {1809, 3, 18, 6, 29, 3, 897565000}, 77},
    {"minutes since 1850-01-01 12:00:00", "proleptic_gregorian", -27986027.183136653, {1796, 10, 15, 18, 12, 49, 11801000}, 289},
    {"days since 2000-01-01", "proleptic_gregorian", -23414.619046982036, {1935, 11, 23, 9, 8, 34, 340752000}, 327},
    {"seconds since 2000-01-01", "proleptic_gregorian", 737836338.6718963, {2023, 5, 19, 18, 32, 18, 671896000}, 139},
    {"days since 2000-01-01", "proleptic_gregorian", 6228.971078004695, {2017, 1, 19, 23, 18, 21, 139606000}, 19},
    {"minutes since 1850-01-01 12:00:00", "proleptic_gregorian", -1458449.79229349, {1847, 3, 25, 16, 30, 12, 462391000}, 84},
    {"seconds since 1850-01-01 12:00:00", "julian", 2039202420.7970996, {1914, 8, 15, 9, 7, 0, 797100000}, 227},
    {"hours since 1850-01-01 12:00:00", "julian", 157703.1286535748, {1867, 12, 29, 11, 7, 43, 152869000}, 363},
    {"days since 1850-01-01 12:00:00", "julian", -17141.31008609829, {1803, 1, 27, 4, 33, 28, 561108000}, 27},
    {"minutes since 1850-01-01 12:00:00", "julian", 22704648.019205637, {1893, 3, 3, 14, 48, 1, 152338000}, 62},
    {"minutes since 1850-01-01 12:00:00", "julian", 26579252.639931325, {1900, 7, 15, 7, 32, 38, 395879000}, 197},
    {"hours since 1850-01-01 12:00:00", "julian", 470301.2382553949, {1903, 8, 27, 9, 14, 17, 719422000}, 239},
    {"hours since 2000-01-01", "noleap", -683551.2543329512, {1921, 12, 20, 16, 44, 44, 401376000}, 354},
    {"seconds since 2000-01-01", "noleap", -2081882459.4359095, {1933, 12, 26, 3, 19, 0, 564090000}, 360},
    {"hours since 2000-01-01", "noleap", 650956.7141097612, {2074, 4, 24, 4, 42, 50, 795140000}, 114},
    {"seconds since 2000-01-01", "noleap", 2054655456.2427983, {2065, 2, 25, 17, 37, 36, 242798000}, 56},
    {"hours since 1850-01-01 12:00:00", "noleap", -201737.57814272877, {1826, 12, 21, 18, 25, 18, 686176000}, 355},
    {"minutes since 1850-01-01 12:00:00", "noleap", -17733278.41981728, {1816, 4, 6, 17, 21, 34, 810963000}, 96},
    {"minutes since 2000-01-01", "all_leap", -14293943.838941153, {1972, 11, 17, 15, 36, 9, 663531000}, 322},
    {"hours since 2000-01-01", "all_leap", -600581.2621848219, {1931, 8, 17, 18, 44, 16, 134641000}, 230},
    {"seconds since 2000-01-01", "all_leap", 1449017839.6658828, {2045, 10, 28, 0, 57, 19, 665883000}, 302},
    {"hours since 1850-01-01 12:00:00", "all_leap", 267537.3959524157, {1880, 6, 16, 21, 23, 45, 428697000}, 168},
    {"seconds since 1850-01-01 12:00:00", "all_leap", -81644422.8652972, {1847, 6, 2, 12, 59, 37, 134703000}, 154},
    {"days since 1850-01-01 12:00:00", "all_leap", 8583.602593680647, {1873, 6, 15, 2, 27, 44, 94008000}, 167},
    {"days since 2000-01-01", "360_day", 29112.472995391166, {2080, 11, 13, 11, 21, 6, 801797000}, 313},
    {"days since 1850-01-01 12:00:00", "360_day", -6042.9013561864085, {1833, 3, 18, 14, 22, 2, 825494000}, 78},
    {"minutes since 2000-01-01", "360_day", 30480984.673702434, {2058, 10, 18, 8, 24, 40, 422146000}, 288},
    {"seconds since 2000-01-01", "360_day", 1094804547.742956, {2035, 3, 12, 8, 22, 27, 742956000}, 72},
    {"seconds since 2000-01-01", "360_day", -2295749516.667443, {1926, 3, 9, 19, 48, 3, 332557000}, 69},
    {"seconds since 1850-01-01 12:00:00", "360_day", -1131508361.3063054, {1813, 8, 15, 8, 7, 18, 693695000}, 225},
    // clang-format on
};

template <class Rows>
void expect_rows(const Rows& rows) {
  for (const auto& row : rows) {
    SCOPED_TRACE(fmt::format("{} {} in {}", row.number, row.units, row.calendar));
    const TimeUnits units(row.units, row.calendar);
    const DateTime date = date_of(units.instant(row.number), units.calendar());
    EXPECT_EQ(text_of(date), text_of(row.date));
    EXPECT_EQ(day_of_year(date, units.calendar()), row.day_of_year);
    EXPECT_NEAR(units.number(instant_of(row.date, units.calendar())), static_cast<double>(row.number), 1e-10 + 1e-12 * std::abs(static_cast<double>(row.number)));
  }
}

TEST(Calendar, EqualsCftimeOnWholeNumbers) {
  expect_rows(kWhole);
  for (const auto& row : kWhole) {
    const TimeUnits units(row.units, row.calendar);
    EXPECT_EQ(units.whole_number(instant_of(row.date, units.calendar())), row.number) << row.units;
  }
}

TEST(Calendar, EqualsCftimeOnFractions) { expect_rows(kFractions); }

const Calendar kAll[] = {Calendar::kStandard, Calendar::kProlepticGregorian, Calendar::kJulian, Calendar::kNoLeap, Calendar::kAllLeap, Calendar::k360Day};

TEST(Calendar, EveryDayOfThreeThousandYearsFollowsTheOneBefore) {
  for (const Calendar calendar : kAll) {
    SCOPED_TRACE(name_of(calendar));
    const Index first = instant_of({.year = -400}, calendar).day, last = instant_of({.year = 2600}, calendar).day;
    DateTime before = date_of({first - 1, 0}, calendar);
    Index wrong = 0;
    for (Index day = first; day < last; ++day) {
      const DateTime date = date_of({day, 0}, calendar);
      wrong += instant_of(date, calendar) != Instant{day, 0};
      const int length = days_in_month(before.year, before.month, calendar);
      const bool is_next_day = date.month == before.month && date.year == before.year &&
                               (date.day == before.day + 1 || (calendar == Calendar::kStandard && before.day == 4 && date.day == 15));
      const bool is_next_month = date.day == 1 && date == month_start(before, 1, calendar) && (before.day == length || length == 21);
      wrong += !is_next_day && !is_next_month;
      const int day_before = day_of_year(before, calendar);
      const int lost = calendar == Calendar::kStandard && before.year == 1582 && date.month == 10 && date.day == 15 ? 10 : 0;
      wrong += day_of_year(date, calendar) != (date.year == before.year ? day_before + 1 + lost : 1);
      before = date;
    }
    EXPECT_EQ(wrong, 0);
  }
}

TEST(Calendar, TheFarthestDaysComeBack) {
  std::mt19937_64 random(20240607);
  std::uniform_int_distribution<Index> days(-90'000'000'000, 90'000'000'000);
  for (const Calendar calendar : kAll) {
    for (int i = 0; i < 2000; ++i) {
      const Instant instant{days(random), 17};
      ASSERT_EQ(instant_of(date_of(instant, calendar), calendar), instant) << name_of(calendar) << " " << instant.day;
    }
  }
}

TEST(Calendar, NanosecondsAreExact) {
  const TimeUnits units("nanoseconds since 1970-01-01", "proleptic_gregorian");
  const Instant instant = units.instant(std::int64_t{1700000000123456789});
  EXPECT_EQ(text_of(date_of(instant, units.calendar())), "2023-11-14T22:13:20.123456789");
  EXPECT_EQ(units.whole_number(instant), 1700000000123456789);
  EXPECT_EQ(units.instant(std::numeric_limits<std::int64_t>::min()).day, -106752);
  EXPECT_EQ(seconds_between(instant, units.instant(std::int64_t{1700000001123456789})), 1.0);
}

TEST(Calendar, ReadsUnitsInManySpellings) {
  const auto text = [](const char* units) {
    const TimeUnits parsed(units, "standard");
    return text_of(date_of(parsed.instant(std::int64_t{1}), parsed.calendar()));
  };
  // cftime too, but for the lone hour, which it leaves out.
  EXPECT_EQ(text("Days Since 2000-1-1"), "2000-01-02T00:00:00");
  EXPECT_EQ(text("hr since 2000-01-01T06:30:15.5Z"), "2000-01-01T07:30:15.5");
  EXPECT_EQ(text("minutes   since  2000-01-01 0:0:0"), "2000-01-01T00:01:00");
  EXPECT_EQ(text("secs since 2000-01-01 00:00:00.0 UTC"), "2000-01-01T00:00:01");
  EXPECT_EQ(text("msecs since 2000-01-01 00:00:00 +0530"), "1999-12-31T18:30:00.001");
  EXPECT_EQ(text("days since 2000-01-01 -0330"), "2000-01-02T03:30:00");
  EXPECT_EQ(text("days since 2000-01-01 00:00 -6"), "2000-01-02T06:00:00");
  EXPECT_EQ(text("days since 2000-01-01 6"), "2000-01-02T06:00:00");
}

TEST(Calendar, RefusesUnitsThatMeanNothing) {
  const auto error = [](const char* units, const char* calendar = "standard") { return error_of([&] { TimeUnits(units, calendar); }); };
  EXPECT_EQ(error("months since 2000-01-01").kind(), ErrorKind::kData);
  EXPECT_SAYS(error("months since 2000-01-01"), "'months' have no fixed length in the calendar standard");
  EXPECT_SAYS(error("years since 2000-01-01", "360_day"), "'years' have no fixed length");
  EXPECT_SAYS(error("common_years since 2000-01-01"), "no fixed length");
  EXPECT_SAYS(error("weeks since 2000-01-01"), "'weeks' is no unit");
  EXPECT_SAYS(error("days after 2000-01-01"), "no 'since'");
  EXPECT_SAYS(error("days since 2001-02-29"), "no such day in the calendar standard");
  EXPECT_SAYS(error("days since 1582-10-10"), "no such day");
  EXPECT_EQ(std::string(error("days since 2001-02-29").what()).find(".."), std::string::npos);
  EXPECT_SAYS(error("days since 2000-01-01 24:00"), "no such time of day");
  EXPECT_SAYS(error("days since 2000-01-01 00:00:00 foo"), "not a date like");
  EXPECT_SAYS(error("days since 2000-01-01", "lunar"), "no calendar 'lunar'");
  for (const char* units : {"", "days since", "days since ", " since 2000-01-01", "days since 20000101", "days since 2000-", "days since 2000-01-01T",
                            "days since 2000-01-01 1:", "days since 2000-01-01 1:1:1.", "days since 2000-01-01 +", "days since 99999999999999999999-01-01",
                            "days since 2000-01-01 +99:00", "days since 999999999-01-01"}) {
    EXPECT_EQ(error(units).kind(), ErrorKind::kData) << units;
  }
  const TimeUnits units("days since 2000-01-01", "");
  EXPECT_EQ(error_of([&] { units.instant(std::numeric_limits<std::int64_t>::max()); }).kind(), ErrorKind::kData);
  EXPECT_EQ(error_of([&] { units.instant(std::numeric_limits<double>::quiet_NaN()); }).kind(), ErrorKind::kData);
  EXPECT_EQ(error_of([&] { units.instant(1e300); }).kind(), ErrorKind::kData);
}

TEST(Calendar, TheYearZeroOfClimatologiesIsTheYearBeforeYearOne) {
  // cftime with has_year_zero=True counts the same days: a leap year of 366.
  for (const char* calendar : {"standard", "julian"}) {
    const TimeUnits units("hours since 0000-01-01 00:00:00", calendar);
    const DateTime first = date_of(units.instant(366.0), units.calendar()), last = date_of(units.instant(std::int64_t{24 * 366 - 1}), units.calendar());
    EXPECT_EQ(first, (DateTime{-1, 1, 16, 6, 0, 0, 0}));
    EXPECT_EQ(last, (DateTime{-1, 12, 31, 23, 0, 0, 0}));
    EXPECT_EQ(date_of(units.instant(std::int64_t{24 * 366}), units.calendar()), (DateTime{1, 1, 1, 0, 0, 0, 0}));
    EXPECT_EQ(parse_time("0000-02", units.calendar()).begin, units.instant(std::int64_t{24 * 31}));
  }
}

TEST(Calendar, APartOfADateIsAllThatBeginsLikeIt) {
  const auto span = [](const std::string& text, Calendar calendar = Calendar::kStandard) {
    const TimeSpan s = parse_time(text, calendar);
    return text_of(date_of(s.begin, calendar)) + " " + text_of(date_of(s.end, calendar));
  };
  EXPECT_EQ(span("2001"), "2001-01-01T00:00:00 2002-01-01T00:00:00");
  EXPECT_EQ(span("-0001"), "-0001-01-01T00:00:00 0001-01-01T00:00:00");
  EXPECT_EQ(span("2000-12"), "2000-12-01T00:00:00 2001-01-01T00:00:00");
  EXPECT_EQ(span("2000-02-29"), "2000-02-29T00:00:00 2000-03-01T00:00:00");
  EXPECT_EQ(span("1582-10-04"), "1582-10-04T00:00:00 1582-10-15T00:00:00");
  EXPECT_EQ(span("2000-02-30T23", Calendar::k360Day), "2000-02-30T23:00:00 2000-03-01T00:00:00");
  EXPECT_EQ(span("2000-01-01 06:59"), "2000-01-01T06:59:00 2000-01-01T07:00:00");
  EXPECT_EQ(span("2000-01-01T06:59:59Z"), "2000-01-01T06:59:59 2000-01-01T07:00:00");
  EXPECT_EQ(span("2000-01-01T06:59:59.25"), "2000-01-01T06:59:59.25 2000-01-01T06:59:59.250000001");
  for (const char* text : {"", "x", "2001-", "2001-13", "2001-02-29", "2001-01-01T", "2001-01-01T25", "2001T06", "2001-01-01 06:00 foo", "20010101000000"}) {
    EXPECT_EQ(error_of([&] { parse_time(text, Calendar::kStandard); }).kind(), ErrorKind::kUser) << text;
  }
}

TEST(Calendar, SeasonsAndNames) {
  EXPECT_EQ(season_of(12), 0);
  EXPECT_EQ(season_of(2), 0);
  EXPECT_EQ(season_of(3), 1);
  EXPECT_EQ(season_of(11), 3);
  EXPECT_EQ(parse_calendar("Gregorian"), Calendar::kStandard);
  for (const Calendar calendar : kAll) EXPECT_EQ(parse_calendar(name_of(calendar)), calendar);
}

}  // namespace
}  // namespace freestone
