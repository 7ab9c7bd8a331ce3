// The HTML page of a profile: inline SVG and CSS, no script, no outside resource.
#include <algorithm>
#include <map>
#include <string_view>

#include "freestone/base/error.h"
#include "freestone/watch/markup.h"
#include "freestone/watch/profile.h"
#include "freestone/watch/ticks.h"

namespace freestone::watch {
namespace {

constexpr double kLeft = 110, kWidth = 860, kRowHeight = 22, kMemoryHeight = 110;

constexpr EventKind kWork[] = {EventKind::kRead, EventKind::kDecode, EventKind::kCompute, EventKind::kWrite, EventKind::kSpill};

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #22252b; --faint: #6b7280; --rule: #e3e5e9; --paper: #ffffff; --card: #f6f7f9;
  --read: #3b82c4; --decode: #7cb5e0; --compute: #2f9e6e; --write: #d9822b; --spill: #c0392b; --memory: #8e6bbf; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e6ea; --faint: #9aa1ac; --rule: #33373f; --paper: #17191d; --card: #202329; } }
body { font: 14px/1.5 system-ui, "DejaVu Sans", sans-serif; color: var(--ink); background: var(--paper); max-width: 1020px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 1rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.cards { display: flex; flex-wrap: wrap; gap: .6rem; } .card { background: var(--card); border-radius: 8px; padding: .5rem .9rem; min-width: 8rem; }
.card b { display: block; font-size: 1.15rem; font-variant-numeric: tabular-nums; } .card span { color: var(--faint); font-size: .8rem; }
svg { display: block; width: 100%; height: auto; } svg text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: var(--faint); }
.rule { stroke: var(--rule); } .read { fill: var(--read); } .decode { fill: var(--decode); } .compute { fill: var(--compute); }
.write { fill: var(--write); } .spill { fill: var(--spill); } .memory { fill: var(--memory); fill-opacity: .35; stroke: var(--memory); }
.budget { stroke: var(--spill); stroke-dasharray: 5 4; }
.legend { color: var(--faint); font-size: .85rem; } .legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin: 0 .35em 0 1em; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; } th { color: var(--faint); font-weight: 500; text-align: left; }
td, th { padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--rule); } .n { text-align: right; } .error { color: var(--spill); }
)";

std::string card(std::string_view value, std::string_view name) {
  return fmt::format("<div class=\"card\"><b>{}</b><span>{}</span></div>\n", escaped(value), escaped(name));
}

/// Maps seconds of the run to the drawing's x.
struct TimeAxis {
  std::int64_t start_ns;
  double seconds;
  double x(std::int64_t time_ns) const { return x(static_cast<double>(time_ns - start_ns) * 1e-9); }
  double x(double at_seconds) const { return kLeft + (seconds > 0 ? std::clamp(at_seconds / seconds, 0.0, 1.0) * kWidth : 0); }

  std::string drawn(double top, double bottom) const {
    std::string out;
    for (const double tick : nice_ticks(0, seconds, 8)) {
      out += fmt::format("<line class=\"rule\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>", x(tick), top, bottom);
      out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:g} s</text>\n", x(tick), bottom + 14, tick);
    }
    return out;
  }
};

std::string lanes_drawing(const Profile& profile, const TimeAxis& time) {
  std::map<int, int> row_of_lane;
  for (const Profile::Span& span : profile.timeline()) row_of_lane.emplace(span.lane, 0);
  int rows = 0;
  for (auto& [lane, row] : row_of_lane) row = rows++;
  const double bottom = rows * kRowHeight + 4;
  std::string out =
      fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"Lanes over time\">\n", kLeft + kWidth + 20, bottom + 22);
  out += time.drawn(0, bottom);
  for (const auto& [lane, row] : row_of_lane) {
    const std::string name = lane >= 1000 ? fmt::format("I/O {}", lane - 1000) : lane >= 0 ? fmt::format("compute {}", lane) : "main";
    out += fmt::format("<text x=\"{:.0f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", kLeft - 10, row * kRowHeight + 15, name);
  }
  for (const Profile::Span& span : profile.timeline()) {
    const double from = time.x(span.start_ns), width = std::max(0.4, time.x(span.end_ns) - from);
    // Within a lane, work may nest (a decode inside a read): each kind has a band of its own height.
    const double inset = span.kind == EventKind::kDecode ? 5 : 2;
    out += fmt::format("<rect class=\"{}\" x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.1f}\"/>", name_of(span.kind), from,
                       row_of_lane.at(span.lane) * kRowHeight + inset, width, kRowHeight - 2 * inset);
  }
  return out + "\n</svg>\n";
}

std::string memory_drawing(const Profile& profile, const TimeAxis& time) {
  const double top_bytes = static_cast<double>(std::max<Index>(profile.peak_leased_bytes(), 1));
  const bool budget_near = static_cast<double>(profile.budget_bytes()) < 3 * top_bytes;
  const double full = 1.08 * (budget_near ? std::max(top_bytes, static_cast<double>(profile.budget_bytes())) : top_bytes);
  const auto y = [&](Index bytes) { return 4 + kMemoryHeight * (1 - static_cast<double>(bytes) / full); };
  std::string out = fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"Leased memory over time\">\n",
                                kLeft + kWidth + 20, kMemoryHeight + 26);
  out += time.drawn(4, kMemoryHeight + 4);
  out += fmt::format("<path class=\"memory\" d=\"M{:.1f} {:.1f}", kLeft, y(0));
  Index held = 0;
  for (const Profile::MemorySample& sample : profile.memory()) {
    out += fmt::format(" L{0:.1f} {1:.1f} L{0:.1f} {2:.1f}", time.x(sample.time_ns), y(held), y(sample.leased));
    held = sample.leased;
  }
  out += fmt::format(" L{0:.1f} {1:.1f} L{0:.1f} {2:.1f} Z\"/>\n", kLeft + kWidth, y(held), y(0));
  const auto mark = [&](Index bytes, std::string_view name) {
    out += fmt::format("<text x=\"{:.0f}\" y=\"{:.1f}\" text-anchor=\"end\">{} {}</text>\n", kLeft - 10, y(bytes) + 4, name,
                       format_bytes(bytes));
  };
  mark(profile.peak_leased_bytes(), "peak");
  if (budget_near && profile.budget_bytes() > 0) {
    out += fmt::format("<line class=\"budget\" x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>\n", kLeft, kLeft + kWidth,
                       y(profile.budget_bytes()));
    if (y(profile.peak_leased_bytes()) - y(profile.budget_bytes()) > 13) mark(profile.budget_bytes(), "budget");
  }
  return out + "</svg>\n";
}

/// Lane-seconds of a stage by kind of work, as one stacked bar each.
std::string stage_bars(const Profile& profile) {
  double longest = 0;
  std::vector<std::map<EventKind, double>> sums;
  for (const Profile::Stage& stage : profile.stages()) {
    std::map<EventKind, double>& sum = sums.emplace_back();
    double total = 0;
    for (const auto& [key, operation] : stage.operations) sum[key.first] += operation.seconds, total += operation.seconds;
    longest = std::max(longest, total);
  }
  const double rows = static_cast<double>(sums.size());
  std::string out = fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"Lane seconds a stage\">\n",
                                kLeft + kWidth + 20, rows * kRowHeight + 4);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double top = static_cast<double>(i) * kRowHeight;
    out += fmt::format("<text x=\"{:.0f}\" y=\"{:.1f}\" text-anchor=\"end\">stage {}</text>", kLeft - 10, top + 15,
                       profile.stages()[i].number + 1);
    double x = kLeft, total = 0;
    for (const EventKind kind : kWork) {
      const double seconds = sums[i][kind];
      const double width = longest > 0 ? seconds / longest * (kWidth - 90) : 0;
      if (width > 0) {
        out += fmt::format("<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.0f}\"><title>{} {}</title></rect>",
                           name_of(kind), x, top + 3, width, kRowHeight - 6, name_of(kind), format_seconds(seconds));
      }
      x += width, total += seconds;
    }
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x + 6, top + 15, format_seconds(total));
  }
  return out + "</svg>\n";
}

/// A line a stage.
std::string overview(const Profile& profile) {
  std::string out =
      "<table><tr><th>Stage</th><th class=\"n\">Wall</th><th class=\"n\">Lane seconds</th><th class=\"n\">Tasks</th><th "
      "class=\"n\">Read</th>"
      "<th class=\"n\">Written</th><th class=\"n\">Spilled</th><th class=\"n\">Leased at most</th></tr>\n";
  for (const Profile::Stage& stage : profile.stages()) {
    out += fmt::format("<tr><td>{} {}</td>", stage.number + 1, escaped(stage.label));
    for (const std::string& cell : {format_seconds(stage.wall_seconds()), fmt::format("{:.3f}", stage.lane_seconds()),
                                    format_count(stage.tasks), format_bytes(stage.bytes_read), format_bytes(stage.bytes_written),
                                    format_bytes(stage.bytes_spilled), format_bytes(stage.peak_leased)})
      out += fmt::format("<td class=\"n\">{}</td>", cell);
    out += "</tr>\n";
  }
  return out + "</table>\n";
}

std::string stage_table(const Profile::Stage& stage) {
  std::string out = fmt::format("<h2>Stage {}: {}</h2>\n<p class=\"legend\">{} wall, {} tasks</p>\n", stage.number + 1,
                                escaped(stage.label), format_seconds(stage.wall_seconds()), format_count(stage.tasks));
  out += "<table><tr><th>Work</th><th>Of</th><th class=\"n\">Times</th><th class=\"n\">Bytes</th><th class=\"n\">Lane seconds</th></tr>\n";
  for (const auto& [key, operation] : stage.operations) {
    out += fmt::format("<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{:.3f}</td></tr>\n",
                       name_of(key.first), escaped(key.second), format_count(operation.count), format_bytes(operation.bytes),
                       operation.seconds);
  }
  return out + "</table>\n";
}

}  // namespace

std::string Profile::html() const {
  const TimeAxis time{start_ns_, wall_seconds()};
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Freestone profile</title>\n<style>";
  out += kStyle;
  out += "</style></head><body>\n<h1>Freestone profile</h1>\n<div class=\"cards\">\n";
  out += card(format_seconds(wall_seconds()), "wall time");
  out += card(format_count(tasks()), "tasks");
  out += card(format_bytes(bytes_read()), "read");
  out += card(format_bytes(bytes_written()), "written");
  if (bytes_spilled() > 0) out += card(format_bytes(bytes_spilled()), "spilled");
  out += card(format_bytes(peak_leased_), "leased at most, of " + format_bytes(budget_));
  out += card(format_bytes(peak_resident_), "process at most");
  out += "</div>\n";
  if (!error_.empty()) out += fmt::format("<p class=\"error\">The run failed: {}</p>\n", escaped(error_));
  out += "<h2>Stages</h2>\n" + overview(*this);
  out += "<h2>Lanes over time</h2>\n<p class=\"legend\">";
  for (const EventKind kind : kWork) out += fmt::format("<i style=\"background: var(--{0})\"></i>{0}", name_of(kind));
  out += "</p>\n" + lanes_drawing(*this, time);
  out += "<h2>Leased memory</h2>\n" + memory_drawing(*this, time);
  out += "<h2>Lane seconds</h2>\n" + stage_bars(*this);
  for (const Stage& stage : stages_) out += stage_table(stage);
  return out + "</body></html>\n";
}

}  // namespace freestone::watch
