/// Copies: identity nodes that stand in a graph only so that what they copy is stored.
#pragma once

#include <vector>

#include "freestone/plan/graph.h"
#include "freestone/plan/stage_program.h"

namespace freestone {

/// Whether a domain and an array have the same axes, element for element.
bool is_one_to_one(const Access& access, const Shape& domain);
/// Whether a view of an array of shape `array` is all of it, as it is.
bool is_all_of(const Op& view, const Shape& array);

/// A reduction hands its outputs over in small pieces as they are finished; a sink of chunks takes whole chunks. Where they meet, the
/// result is stored and copied in a pass of its own.
void gather_for_chunks(Graph& graph, const std::vector<SinkFacts>& sinks);

/// `graph` with a copy between each of the nodes `originals` and its users.
/// @param copies when given, the numbers of the copies are added to it, in order of what they copy
Graph with_copies(const Graph& graph, const std::vector<int>& originals, std::vector<int>* copies = nullptr);

}  // namespace freestone
