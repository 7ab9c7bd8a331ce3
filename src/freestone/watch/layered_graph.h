/// Layered graph: boxes in rows from top to bottom, and lines between them that pass beside the boxes in between.
///
/// Every box stands below all boxes that point to it (longest path), and just above the first that it points to when
/// nothing points to it. A layer of many boxes takes several rows. A line that crosses rows has a narrow place of its
/// own in each of them. Places in a row are ordered by their neighbours and moved as near to them as the room allows.
/// Equal graphs give equal drawings.
#pragma once

#include <string>
#include <vector>

namespace freestone::watch {

struct GraphBox {
  double width = 0, height = 0;
  double x = 0, y = 0;  ///< upper left corner; set by lay_out_layers
};

struct GraphPoint {
  double x, y;
};

struct GraphEdge {
  int from = 0, to = 0;  ///< boxes; no cycles
  /// From box to box: upright from an even point to the next, which is the end of a row, and bending from there to the following, which
  /// is the start of another. Set by lay_out_layers.
  std::vector<GraphPoint> points;
  GraphPoint label{0, 0};  ///< where words on the line do not meet those of others, if that can be
};

struct GraphSize {
  double width, height;
};

/// Places boxes and edges, the upper left corner of all being (0, 0).
/// @param most_in_row  boxes beside one another at the most
GraphSize lay_out_layers(std::vector<GraphBox>& boxes, std::vector<GraphEdge>& edges, int most_in_row);

}  // namespace freestone::watch
