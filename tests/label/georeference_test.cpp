// Rasters in the words of each format: transforms cut and coarsened, and what a file of several variables says of them.
#include "freestone/label/georeference.h"

#include <gtest/gtest.h>

#include "label/labelled_arrays.h"

namespace freestone {
namespace {

using testing_labels::array_of;
using testing_labels::axis;
using testing_labels::values_of;

const GeoTransform kTransform = {500000, 30, 0, 4650000, 0, -20};

DatasetVariable raster() {
  DatasetVariable out{"data", array_of(std::vector<double>(6), {2, 3}), {"y", "x"}, {{"crs", std::string("EPSG:32633"), ""}}};
  set_geo_transform(out.attributes, kTransform);
  return out;
}

/// Where the middle of a pixel lies.
std::pair<double, double> middle(const GeoTransform& t, double row, double column) {
  return {t[0] + t[1] * (column + 0.5) + t[2] * (row + 0.5), t[3] + t[4] * (column + 0.5) + t[5] * (row + 0.5)};
}

TEST(Georeference, PixelsStayWhereTheyAreWhenTheyAreCut) {
  const GeoTransform rotated = {10, 2, 0.5, 50, 0.25, -3};
  for (const GeoTransform& t : {kTransform, rotated}) {
    for (const bool rows : {true, false}) {
      for (const auto& [start, step] : {std::pair<Index, Index>{3, 1}, {0, 2}, {7, 5}, {9, -1}, {8, -3}}) {
        const GeoTransform cut = sliced(t, rows, start, step);
        for (int k = 0; k < 3; ++k) {
          const double old = static_cast<double>(start + k * step);
          const auto a = rows ? middle(cut, k, 4) : middle(cut, 4, k), b = rows ? middle(t, old, 4) : middle(t, 4, old);
          EXPECT_NEAR(a.first, b.first, 1e-9);
          EXPECT_NEAR(a.second, b.second, 1e-9);
        }
      }
      const GeoTransform coarse = coarsened(t, rows, 4);
      const auto a = rows ? middle(coarse, 1, 0) : middle(coarse, 0, 1), b = rows ? middle(t, 5.5, 0) : middle(t, 0, 5.5);
      EXPECT_NEAR(a.first, b.first, 1e-9);
      EXPECT_NEAR(a.second, b.second, 1e-9);
    }
  }
}

TEST(Georeference, ATransformGivesTheMiddlesOfPixels) {
  DatasetVariable variable = raster();
  std::vector<DatasetVariable> coordinates;
  raster_read(variable, coordinates);
  ASSERT_EQ(coordinates.size(), 2u);
  EXPECT_EQ(coordinates[0].name, "y");
  EXPECT_EQ(values_of(coordinates[0].array), (std::vector<double>{4649990, 4649970}));
  EXPECT_EQ(values_of(coordinates[1].array), (std::vector<double>{500015, 500045, 500075}));
  EXPECT_EQ(coordinates[1].text("standard_name"), "projection_x_coordinate");
}

TEST(Georeference, GoesThroughAGridMappingAndBack) {
  DatasetVariable variable = raster();
  std::vector<DatasetVariable> coordinates;
  raster_read(variable, coordinates);
  raster_for_cf(variable, coordinates);
  EXPECT_EQ(variable.attribute("crs"), nullptr);
  EXPECT_EQ(variable.attribute("GeoTransform"), nullptr);
  EXPECT_EQ(variable.text("grid_mapping"), "spatial_ref");
  ASSERT_EQ(coordinates.size(), 3u);
  EXPECT_EQ(coordinates[2].text("spatial_ref"), "EPSG:32633");
  EXPECT_EQ(coordinates[2].text("GeoTransform"), "500000 30 0 4650000 0 -20");
  raster_read(variable, coordinates);
  EXPECT_EQ(variable.text("crs"), "EPSG:32633");
  EXPECT_EQ(geo_transform_of(variable.attributes), kTransform);
  EXPECT_EQ(coordinates.size(), 3u);
}

TEST(Georeference, CoordinatesThatContradictATransformAreWhatIsTrue) {
  DatasetVariable variable = raster();
  std::vector<DatasetVariable> coordinates = {axis("y", {4649890, 4649870}), axis("x", {500015, 500045, 500075})};
  raster_read(variable, coordinates);
  EXPECT_EQ(variable.attribute("GeoTransform"), nullptr);
  raster_for_pixels(variable, coordinates);
  EXPECT_EQ(geo_transform_of(variable.attributes), (GeoTransform{500000, 30, 0, 4649900, 0, -20}));
}

TEST(Georeference, DegreesAreTheirOwnCrsAndUnevenCoordinatesNoTransform) {
  DatasetVariable variable{"t", array_of(std::vector<double>(6), {2, 3}), {"lat", "lon"}, {}};
  std::vector<DatasetVariable> coordinates = {axis("lat", {-10, 10}, {{"units", std::string("degrees_north"), ""}}),
                                              axis("lon", {0, 1, 2}, {{"units", std::string("degrees_east"), ""}})};
  raster_for_pixels(variable, coordinates);
  EXPECT_EQ(variable.text("crs"), "EPSG:4326");
  EXPECT_EQ(geo_transform_of(variable.attributes), (GeoTransform{-0.5, 1, 0, -20, 0, 20}));
  DatasetVariable uneven{"t", array_of(std::vector<double>(6), {2, 3}), {"lat", "lon"}, {}};
  coordinates[1] = axis("lon", {0, 1, 3});
  raster_for_pixels(uneven, coordinates);
  EXPECT_TRUE(uneven.attributes.empty());
}

TEST(Georeference, TheCodeOfAWktIsThatOfTheWholeOfIt) {
  const auto crs_of = [](const std::string& wkt) {
    DatasetVariable variable{"t", array_of(std::vector<double>(6), {2, 3}), {"y", "x"}, {{"grid_mapping", std::string("crs"), ""}}};
    std::vector<DatasetVariable> coordinates = {{"crs", array_of({0}, {}), {}, {{"crs_wkt", wkt, ""}}}};
    raster_read(variable, coordinates);
    return variable.text("crs");
  };
  EXPECT_EQ(crs_of(R"(PROJCS["x",GEOGCS["WGS 84",AUTHORITY["EPSG","4326"]],AUTHORITY["EPSG","32633"]])"), "EPSG:32633");
  EXPECT_EQ(crs_of(R"(PROJCRS["x",BASEGEOGCRS["WGS 84",ID["EPSG",4326]],ID["EPSG",32633]])"), "EPSG:32633");
  EXPECT_EQ(crs_of(R"(PROJCS["x",GEOGCS["WGS 84",AUTHORITY["EPSG","4326"]]])"), "");
  EXPECT_EQ(crs_of("EPSG:3857"), "EPSG:3857");
}

}  // namespace
}  // namespace freestone
