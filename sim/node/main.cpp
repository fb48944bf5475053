// SPDX-License-Identifier: Apache-2.0
#include "sim/node/program.hpp"

int main(int argc, char** argv) {
    return understudy::node::run_program(argc, argv, {});
}
