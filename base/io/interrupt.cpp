// SPDX-License-Identifier: Apache-2.0
#include "base/io/interrupt.hpp"

#include <signal.h>

#include <initializer_list>

namespace understudy::io {
namespace {

volatile sig_atomic_t requested = 0;

void on_signal(int signal) {
    requested = 1;
    ::signal(signal, SIG_DFL);
}

}  // namespace

void catch_interrupts() {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, on_signal);
}

bool interrupted() {
    return requested != 0;
}

}  // namespace understudy::io
