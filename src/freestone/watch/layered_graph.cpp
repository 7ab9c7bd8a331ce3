#include "freestone/watch/layered_graph.h"

#include <algorithm>
#include <cstddef>

namespace freestone::watch {
namespace {

constexpr double kColumnGap = 28, kRowGap = 64, kLineWidth = 18, kLabelDistance = 20;
constexpr int kSweeps = 40;

/// A box's place in a row, or that of a line which passes.
struct Place {
  int box = -1;
  double width = 0;
  double middle = 0;
  int row = 0;
  std::vector<int> above, below;  ///< places
};

std::size_t at(int i) { return static_cast<std::size_t>(i); }

class Layout {
 public:
  Layout(std::vector<GraphBox>& boxes, std::vector<GraphEdge>& edges, int most_in_row) : boxes_(boxes), edges_(edges) {
    make_rows(most_in_row);
    make_places();
    for (int sweep = 0; sweep < kSweeps; ++sweep) order_rows(sweep % 2 == 0);
    for (auto& row : rows_) pack(row, false, false);
    for (int sweep = 0; sweep < kSweeps; ++sweep) move_rows(sweep % 2 == 0);
  }

  GraphSize draw() {
    double left = 0, right = 0, y = 0;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const Place& p = places_[i];
      left = i == 0 ? p.middle - p.width / 2 : std::min(left, p.middle - p.width / 2);
      right = i == 0 ? p.middle + p.width / 2 : std::max(right, p.middle + p.width / 2);
    }
    std::vector<double> tops, bottoms;
    for (const auto& row : rows_) {
      double height = 0;
      for (const int p : row)
        if (places_[at(p)].box >= 0) height = std::max(height, boxes_[at(places_[at(p)].box)].height);
      tops.push_back(y), bottoms.push_back(y + height);
      y += height + kRowGap;
    }
    for (Place& p : places_) {
      p.middle -= left;
      if (p.box < 0) continue;
      GraphBox& box = boxes_[at(p.box)];
      box.x = p.middle - box.width / 2;
      box.y = tops[at(p.row)];
    }
    for (std::size_t e = 0; e < edges_.size(); ++e) draw_line(e, tops, bottoms);
    return {right - left, rows_.empty() ? 0 : y - kRowGap};
  }

 private:
  void make_rows(int most_in_row) {
    const std::size_t count = boxes_.size();
    std::vector<int> layer(count, 0);
    std::vector<bool> pointed_at(count, false);
    for (const GraphEdge& e : edges_) pointed_at[at(e.to)] = true;
    for (std::size_t round = 0; round < count; ++round) {
      bool moved = false;
      for (const GraphEdge& e : edges_)
        if (layer[at(e.to)] <= layer[at(e.from)]) layer[at(e.to)] = layer[at(e.from)] + 1, moved = true;
      if (!moved) break;
    }
    for (std::size_t b = 0; b < count; ++b) {
      if (pointed_at[b]) continue;
      int first = -1;
      for (const GraphEdge& e : edges_)
        if (at(e.from) == b && (first < 0 || layer[at(e.to)] < first)) first = layer[at(e.to)];
      if (first > 0) layer[b] = first - 1;
    }
    const int layers = count == 0 ? 0 : 1 + *std::max_element(layer.begin(), layer.end());
    for (int l = 0; l < layers; ++l) {
      int in_row = most_in_row;
      for (std::size_t b = 0; b < count; ++b) {
        if (layer[b] != l) continue;
        if (in_row == most_in_row) rows_.emplace_back(), in_row = 0;
        const int row = static_cast<int>(rows_.size()) - 1;
        place_of_box_.resize(count, -1);
        place_of_box_[b] = static_cast<int>(places_.size());
        rows_.back().push_back(static_cast<int>(places_.size()));
        places_.push_back({static_cast<int>(b), boxes_[b].width, 0, row, {}, {}});
        ++in_row;
      }
    }
  }

  /// A place for every line in every row that it crosses, and who is above whom.
  void make_places() {
    for (const GraphEdge& e : edges_) {
      std::vector<int>& way = ways_.emplace_back();
      way.push_back(place_of_box_[at(e.from)]);
      const int last = place_of_box_[at(e.to)];
      for (int row = places_[at(way[0])].row + 1; row < places_[at(last)].row; ++row) {
        rows_[at(row)].push_back(static_cast<int>(places_.size()));
        way.push_back(static_cast<int>(places_.size()));
        places_.push_back({-1, kLineWidth, 0, row, {}, {}});
      }
      way.push_back(last);
      for (std::size_t i = 0; i + 1 < way.size(); ++i) {
        places_[at(way[i])].below.push_back(way[i + 1]);
        places_[at(way[i + 1])].above.push_back(way[i]);
      }
    }
    for (auto& row : rows_) number(row);
  }

  void number(const std::vector<int>& row) {
    for (std::size_t i = 0; i < row.size(); ++i)
      places_[at(row[i])].middle = (static_cast<double>(i) + 0.5) / static_cast<double>(row.size());
  }

  double wish(const Place& p, bool above, bool below) const {
    double sum = 0;
    int count = 0;
    if (above)
      for (const int n : p.above) sum += places_[at(n)].middle, ++count;
    if (below)
      for (const int n : p.below) sum += places_[at(n)].middle, ++count;
    return count == 0 ? p.middle : sum / count;
  }

  void order_rows(bool downwards) {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      auto& row = rows_[downwards ? i : rows_.size() - 1 - i];
      std::vector<std::pair<double, int>> wishes;
      for (const int p : row) wishes.emplace_back(wish(places_[at(p)], downwards, !downwards), p);
      std::stable_sort(wishes.begin(), wishes.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      for (std::size_t k = 0; k < row.size(); ++k) row[k] = wishes[k].second;
      number(row);
    }
  }

  void move_rows(bool downwards) {
    for (std::size_t i = 0; i < rows_.size(); ++i) pack(rows_[downwards ? i : rows_.size() - 1 - i], downwards, !downwards);
  }

  /// Moves the places of a row to where they wish to be, in their order and without touching: the least sum of squared distances, by
  /// pooling adjacent violators.
  void pack(const std::vector<int>& row, bool above, bool below) {
    struct Pool {
      double sum;
      int count;
      double mean() const { return sum / count; }
    };
    std::vector<Pool> pools;
    std::vector<double> offsets;
    double offset = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const Place& p = places_[at(row[i])];
      if (i > 0) offset += (places_[at(row[i - 1])].width + p.width) / 2 + kColumnGap;
      offsets.push_back(offset);
      pools.push_back({wish(p, above, below) - offset, 1});
      while (pools.size() > 1 && pools[pools.size() - 2].mean() >= pools.back().mean()) {
        const Pool last = pools.back();
        pools.pop_back();
        pools.back() = {pools.back().sum + last.sum, pools.back().count + last.count};
      }
    }
    std::size_t i = 0;
    for (const Pool& pool : pools)
      for (int k = 0; k < pool.count; ++k, ++i) places_[at(row[i])].middle = pool.mean() + offsets[i];
  }

  /// Where a line meets a box: those of one side stand in the order of what they come from.
  double port(std::size_t edge, bool leaving) const {
    const auto end_of = [&](std::size_t e) { return leaving ? ways_[e].front() : ways_[e].back(); };
    const auto next_of = [&](std::size_t e) { return places_[at(leaving ? ways_[e][1] : ways_[e][ways_[e].size() - 2])].middle; };
    int left = 0, all = 0;
    for (std::size_t e = 0; e < ways_.size(); ++e) {
      if (end_of(e) != end_of(edge)) continue;
      ++all;
      if (next_of(e) < next_of(edge) || (next_of(e) == next_of(edge) && e < edge)) ++left;
    }
    const Place& p = places_[at(end_of(edge))];
    return p.middle + p.width * ((left + 1.0) / (all + 1.0) - 0.5);
  }

  void draw_line(std::size_t e, const std::vector<double>& tops, const std::vector<double>& bottoms) {
    GraphEdge& edge = edges_[e];
    const std::vector<int>& way = ways_[e];
    edge.points.clear();
    const GraphBox& from = boxes_[at(edge.from)];
    edge.points.push_back({port(e, true), from.y + from.height});
    edge.points.push_back({edge.points[0].x, bottoms[at(places_[at(way[0])].row)]});
    for (std::size_t i = 1; i + 1 < way.size(); ++i) {
      const Place& p = places_[at(way[i])];
      edge.points.push_back({p.middle, tops[at(p.row)]});
      edge.points.push_back({p.middle, bottoms[at(p.row)]});
    }
    edge.points.push_back({port(e, false), boxes_[at(edge.to)].y});
    // A box with one line has the room around its port to itself.
    const bool alone_at_start = places_[at(way.front())].below.size() == 1;
    const GraphPoint& end = alone_at_start ? edge.points.front() : edge.points.back();
    edge.label = {end.x, alone_at_start ? end.y + kLabelDistance : end.y - kLabelDistance - 6};
  }

  std::vector<GraphBox>& boxes_;
  std::vector<GraphEdge>& edges_;
  std::vector<Place> places_;
  std::vector<std::vector<int>> rows_;  ///< places from left to right
  std::vector<int> place_of_box_;
  std::vector<std::vector<int>> ways_;  ///< places that each edge passes, its boxes among them
};

}  // namespace

GraphSize lay_out_layers(std::vector<GraphBox>& boxes, std::vector<GraphEdge>& edges, int most_in_row) {
  return Layout(boxes, edges, most_in_row).draw();
}

}  // namespace freestone::watch
