#include "freestone/watch/plan_picture.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "freestone/base/error.h"
#include "freestone/plan/explain.h"
#include "freestone/plan/stage_program.h"
#include "freestone/watch/layered_graph.h"
#include "freestone/watch/markup.h"
#include "freestone/watch/vector_page.h"

namespace freestone::watch {
namespace {

constexpr double kBoxWidth = 310, kPadding = 12, kMargin = 24, kHeader = 64;
constexpr double kTitleSize = 13, kLineSize = 11.5, kTitleStep = 18, kLineStep = 16;
constexpr int kMostInRow = 4;
constexpr std::size_t kMostTitleLines = 3;
constexpr Rgb kInk{28, 32, 38}, kFaint{84, 92, 104}, kArrow{110, 118, 130}, kPaper{255, 255, 255};

/// The kinds of boxes and their colours.
struct Look {
  const char* name;
  Rgb fill, border;
};
constexpr Look kSource{"Source", {242, 243, 245}, {90, 98, 110}};
constexpr Look kStage{"Stage", {230, 240, 250}, {47, 102, 158}};
constexpr Look kMemoryStore{"Store in memory", {240, 235, 249}, {118, 84, 168}};
constexpr Look kDiskStore{"Store on disk", {253, 240, 226}, {184, 104, 26}};
constexpr Look kSink{"Sink", {229, 245, 236}, {38, 128, 86}};

enum class Cut { kAtEnd, kAtStart };

struct Content {
  Look look;
  std::string kind;  ///< "Source", "Stage 2"
  std::string title;
  Cut cut = Cut::kAtEnd;  ///< a path's end says more than its beginning
  std::vector<std::string> lines;
};

struct Flow {
  int from, to;
  std::string bytes;
};

std::string array_of(const Spec& spec) { return fmt::format("{} {}", to_string(spec.shape), name_of(spec.dtype)); }

/// What a stage reads of each value, from files and from stores on disk: `estimate.bytes_read`, shared out as for the tile in the middle.
std::map<ValueRef, Index> bytes_by_input(const Plan& plan, const Stage& stage) {
  std::map<ValueRef, double> weights;
  double all = 0;
  if (tile_count(stage) > 0) {
    std::vector<SinkFacts> sinks;
    for (const std::string& name : plan.sink_names) sinks.push_back({name, {}, nullptr});
    const std::vector<std::shared_ptr<const Source>> stores(plan.stores.size());
    const StageProgram program(plan, stage, sinks, stores);
    const TaskLayout layout = program.lay_out(tile_box(stage, tile_count(stage) / 2));
    for (const StageInput& input : program.inputs()) {
      const bool in_memory =
          input.store >= 0 ? !plan.stores[static_cast<std::size_t>(input.store)].on_disk : input.source->memory().has_value();
      if (in_memory) continue;
      const Box& box = layout.values[static_cast<std::size_t>(input.value)].box;
      const double weight = input.source ? static_cast<double>(input.source->cost(box).bytes)
                                         : static_cast<double>(Spec{box.shape, plan.spec(input.ref).dtype}.bytes());
      weights[input.ref] += weight;
      all += weight;
    }
  }
  std::map<ValueRef, Index> bytes;
  for (const auto& [value, weight] : weights)
    bytes[value] = all > 0 ? static_cast<Index>(std::llround(static_cast<double>(stage.estimate.bytes_read) * weight / all)) : 0;
  return bytes;
}

class PlanGraph {
 public:
  explicit PlanGraph(const Plan& plan) : plan_(plan) {
    for (std::size_t s = 0; s < plan.stores.size(); ++s) add_store(plan.stores[s]);
    for (std::size_t g = 0; g < plan.stages.size(); ++g) add_stage(g);
  }

  std::vector<Content> contents;
  std::vector<Flow> flows;

 private:
  int add(Content content) {
    contents.push_back(std::move(content));
    return static_cast<int>(contents.size()) - 1;
  }

  void add_store(const Store& store) {
    Content content{store.on_disk ? kDiskStore : kMemoryStore, "", array_of(store.spec), Cut::kAtEnd, {format_bytes(store.spec.bytes())}};
    content.kind = content.look.name;
    if (store.on_disk) content.lines[0] += fmt::format(", in blocks {}", to_string(store.block));
    stores_.push_back(add(std::move(content)));
  }

  int source_box(ValueRef value) {
    const auto known = sources_.find(value);
    if (known != sources_.end()) return known->second;
    const auto& source = *plan_.nodes[static_cast<std::size_t>(value.node)].op->source();
    const std::string path = source.identity().path;
    return sources_[value] = add({kSource,
                                  kSource.name,
                                  path.empty() ? "memory" : path,
                                  Cut::kAtStart,
                                  {fmt::format("{}, {}", array_of(source.spec()), format_bytes(source.spec().bytes()))}});
  }

  void add_stage(std::size_t number) {
    const Stage& stage = plan_.stages[number];
    const int box = add({kStage, fmt::format("Stage {}", number + 1), describe(plan_, stage), Cut::kAtEnd, stage_lines(stage)});
    const auto read = bytes_by_input(plan_, stage);
    const auto bytes_of = [&](ValueRef value) {
      const auto found = read.find(value);
      return format_bytes(found == read.end() ? plan_.spec(value).bytes() : found->second);
    };
    for (const ValueRef& input : stage.inputs) flows.push_back({source_box(input), box, bytes_of(input)});
    for (const int s : stage.store_inputs)
      flows.push_back({stores_[static_cast<std::size_t>(s)], box, bytes_of(plan_.stores[static_cast<std::size_t>(s)].value)});
    add_results(stage, box);
  }

  static std::vector<std::string> stage_lines(const Stage& stage) {
    std::string memory = fmt::format("memory {} × {}", format_bytes(stage.task_bytes), stage.slots);
    if (stage.cache_bytes > 0) memory += fmt::format(" + {} {}", stage.goes_onward ? "decoders" : "cache", format_bytes(stage.cache_bytes));
    if (stage.pinned_bytes > 0) memory += fmt::format(" + partial results {}", format_bytes(stage.pinned_bytes));
    return {fmt::format("tiles {}, {} of them", to_string(stage.tile), format_count(stage.estimate.tiles)),
            fmt::format("over {}, axes in order {}", to_string(stage.domain.shape), fmt::join(stage.order, ", ")), memory,
            "about " + format_seconds(stage.estimate.seconds)};
  }

  void add_results(const Stage& stage, int box) {
    std::vector<std::pair<std::pair<std::string, std::string>, std::pair<int, Index>>> sinks;  // alike once: number and bytes of one
    for (const Delivery& d : stage.deliveries) {
      const Spec& spec = plan_.spec(d.value);
      if (d.to_store) {
        flows.push_back({box, stores_[static_cast<std::size_t>(d.target)], format_bytes(spec.bytes())});
        continue;
      }
      const std::pair key{plan_.sink_names[static_cast<std::size_t>(d.target)], array_of(spec)};
      const auto known = std::find_if(sinks.begin(), sinks.end(), [&](const auto& sink) { return sink.first == key; });
      if (known != sinks.end())
        ++known->second.first;
      else
        sinks.push_back({key, {1, spec.bytes()}});
    }
    for (const auto& [key, many] : sinks) {
      const auto& [count, bytes] = many;
      const std::string array =
          fmt::format("{}, {}{}", key.second, format_bytes(bytes), count > 1 ? fmt::format(", {} of them", count) : "");
      flows.push_back({box, add({kSink, kSink.name, key.first, Cut::kAtStart, {array}}), format_bytes(bytes * count)});
    }
  }

  const Plan& plan_;
  std::vector<int> stores_;
  std::map<ValueRef, int> sources_;
};

/// Measures and cuts text.
class Ruler {
 public:
  Ruler() { unhinted(canvas_.cairo()); }

  double width(const std::string& text, double size, bool bold) {
    canvas_.font(size, bold);
    return canvas_.measure(text).width;
  }

  /// `text`, or as much of it as fits beside an ellipsis.
  std::string fitted(const std::string& words, double size, bool bold, Cut cut) {
    const std::string text = valid_text(words);
    if (width(text, size, bold) <= kRoom) return text;
    std::size_t low = 0, high = text.size();  // bytes that fit, bytes that do not
    while (low + 1 < high) {
      const std::size_t middle = (low + high) / 2;
      (width(shortened(text, middle, cut), size, bold) <= kRoom ? low : high) = middle;
    }
    return shortened(text, low, cut);
  }

  /// At most `kMostTitleLines` lines, broken at spaces; what is left over is cut.
  std::vector<std::string> wrapped(const std::string& words, double size, bool bold) {
    std::vector<std::string> lines;
    std::string rest = valid_text(words);
    while (lines.size() + 1 < kMostTitleLines && width(rest, size, bold) > kRoom) {
      std::size_t split = 0;
      for (std::size_t space = rest.find(' '); space != std::string::npos; space = rest.find(' ', space + 1)) {
        if (width(rest.substr(0, space), size, bold) > kRoom) break;
        split = space;
      }
      if (split == 0) break;
      lines.push_back(rest.substr(0, split));
      rest = rest.substr(split + 1);
    }
    lines.push_back(fitted(rest, size, bold, Cut::kAtEnd));
    return lines;
  }

  static constexpr double kRoom = kBoxWidth - 2 * kPadding;

 private:
  static bool inside_character(const std::string& text, std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  }

  static std::string shortened(const std::string& text, std::size_t bytes, Cut cut) {
    std::size_t at = cut == Cut::kAtEnd ? bytes : text.size() - bytes;
    while (inside_character(text, at)) cut == Cut::kAtEnd ? --at : ++at;
    return cut == Cut::kAtEnd ? text.substr(0, at) + "…" : "…" + text.substr(at);
  }

  Canvas canvas_{1, 1};
};

/// A box's text, cut to its width.
struct Fitted {
  std::string kind;
  std::vector<std::string> title, lines;
  double height() const {
    return 2 * kPadding + kLineStep + static_cast<double>(title.size()) * kTitleStep + static_cast<double>(lines.size()) * kLineStep - 4;
  }
};

Fitted fitted(const Content& content, Ruler& ruler) {
  Fitted out{content.kind, {}, {}};
  if (content.cut == Cut::kAtStart)
    out.title = {ruler.fitted(content.title, kTitleSize, true, Cut::kAtStart)};
  else
    out.title = ruler.wrapped(content.title, kTitleSize, true);
  for (const std::string& line : content.lines) out.lines.push_back(ruler.fitted(line, kLineSize, false, Cut::kAtEnd));
  return out;
}

void draw_box(VectorPage& page, const Content& content, const Fitted& text, const GraphBox& box, double left, double top) {
  const double x = left + box.x, y = top + box.y;
  page.add(PageBox{x, y, box.width, box.height, content.look.fill, content.look.border, 6, 1.2,
                   fmt::format("{}: {}\n{}", content.kind, content.title, fmt::join(content.lines, "\n"))});
  double baseline = y + kPadding + 10;
  page.add(PageText{x + kPadding, baseline, text.kind, kLineSize, content.look.border});
  for (const std::string& line : text.title) page.add(PageText{x + kPadding, baseline += kTitleStep, line, kTitleSize, kInk, true});
  for (const std::string& line : text.lines) page.add(PageText{x + kPadding, baseline += kLineStep, line, kLineSize, kInk});
}

VectorPage drawn(const Plan& plan) {
  const PlanGraph graph(plan);
  Ruler ruler;
  std::vector<Fitted> texts;
  std::vector<GraphBox> boxes;
  for (const Content& content : graph.contents) {
    texts.push_back(fitted(content, ruler));
    boxes.push_back({kBoxWidth, texts.back().height()});
  }
  std::vector<GraphEdge> edges;
  for (const Flow& flow : graph.flows) edges.push_back({flow.from, flow.to, {}});
  const GraphSize size = lay_out_layers(boxes, edges, kMostInRow);

  const std::string first = fmt::format("{} stage{}, {} thread{}, budget {}", plan.stages.size(), plan.stages.size() == 1 ? "" : "s",
                                        plan.threads, plan.threads == 1 ? "" : "s", format_bytes(plan.budget));
  const std::string second =
      fmt::format("{} tasks, reads {}, writes {}, at most {} of the budget, about {}", format_count(plan.total.tiles),
                  format_bytes(plan.total.bytes_read), format_bytes(plan.total.bytes_written), format_bytes(plan.total.peak_bytes),
                  format_seconds(plan.total.seconds));
  const double inner = std::max({size.width, ruler.width(first, 16, true), ruler.width(second, kLineSize, false)});
  VectorPage page(inner + 2 * kMargin, size.height + kHeader + 2 * kMargin);
  page.add(PageText{kMargin, kMargin + 14, first, 16, kInk, true});
  page.add(PageText{kMargin, kMargin + 34, second, kLineSize, kFaint});
  const double left = kMargin + (inner - size.width) / 2, top = kMargin + kHeader;
  for (const GraphEdge& edge : edges) {
    PageArrow arrow{{}, kArrow};
    for (const GraphPoint& p : edge.points) arrow.points.push_back({left + p.x, top + p.y});
    page.add(std::move(arrow));
  }
  for (std::size_t b = 0; b < boxes.size(); ++b) draw_box(page, graph.contents[b], texts[b], boxes[b], left, top);
  for (std::size_t e = 0; e < edges.size(); ++e) {
    const double width = ruler.width(graph.flows[e].bytes, 11, false) + 8, x = left + edges[e].label.x, y = top + edges[e].label.y;
    page.add(PageBox{x - width / 2, y - 8, width, 16, kPaper, kPaper, 3, 0, ""});
    page.add(PageText{x, y + 4, graph.flows[e].bytes, 11, kFaint, false, Anchor::kMiddle});
  }
  return page;
}

}  // namespace

void save_plan_picture(const Plan& plan, const std::string& path) {
  check_page_suffix(path);
  drawn(plan).save(path);
}

}  // namespace freestone::watch
