// SPDX-License-Identifier: Apache-2.0
// A run for the terminal: the failover timeline as a table, and lanes that show who was active and how
// clients fared. Plain characters, no colour. Pure.
#pragma once

#include <string>
#include <vector>

#include "sim/report/run.hpp"

namespace understudy::report {

// A header line and a line for each entry: time since the run's first event, time since the fault, event,
// host, detail.
std::string timeline_table(const std::vector<TimelineEntry>& entries, Duration run_start = {});

// One lane for each host that was active at some time ('#' active, '.' not), one for the clients ('+' only
// acknowledged, 'x' only failed, '~' both, ' ' none ended) and one that marks faults '!' and heals '^';
// `width` columns of time from the first to the last event.
//
//     corda-primary  |##########............|
//     corda-backup   |................######|
//     clients        |+++++++++xxxxxxx++++++|
//     faults         |         !           ^|
//                     0 s               12.3 s
std::string lanes(const std::vector<RegionEvent>& events, std::size_t width = 72);

// Verdict, timeline, lanes, outage against its bound, payments and failures of one run.
std::string summary(const ScenarioRun& run);

}  // namespace understudy::report
