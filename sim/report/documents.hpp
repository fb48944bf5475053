// SPDX-License-Identifier: Apache-2.0
// Reports for programs: the JSON document of `understudy test --json`, JUnit XML, and the lines of `events
// --json`. Times are whole milliseconds; a timeline's are counted from its run's first event. Pure.
#pragma once

#include <string>

#include "sim/report/run.hpp"

namespace understudy::report {

// {"topology","world","accelerator","scenarios":[{"name","passed","outage_ms","bound_ms","payments":{…},"timeline":[…],
// "failures":[…]}]}, one line; outage_ms and bound_ms are null where there is none.
std::string to_json(const Report& report);

// One test suite, a test case a scenario, in the form that Jenkins and GitLab read. Characters that XML has
// no place for come out as U+FFFD.
std::string to_junit_xml(const Report& report);

}  // namespace understudy::report
