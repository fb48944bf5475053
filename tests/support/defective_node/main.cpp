// SPDX-License-Identifier: Apache-2.0
// understudy-node with one option more, --defect ack-before-durable|ignore-payment-ids, before or after the
// subcommand; the environment variable UNDERSTUDY_DEFECT does the same where arguments can't be changed.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "sim/node/program.hpp"
#include "tests/support/defective_node/defective_ledger.hpp"

int main(int argc, char** argv) {
    const char* from_environment = std::getenv("UNDERSTUDY_DEFECT");
    std::string defect = from_environment == nullptr ? "" : from_environment;
    std::vector<const char*> others;
    for (int i = 0; i < argc; ++i) {
        if (std::string(argv[i]) == "--defect" && i + 1 < argc)
            defect = argv[++i];
        else
            others.push_back(argv[i]);
    }
    understudy::node::LedgerWrapper wrap;
    if (defect == "ack-before-durable") {
        wrap = understudy::node::early_ledger;
    } else if (defect == "ignore-payment-ids") {
        wrap = understudy::node::forgetful_ledger;
    } else if (!defect.empty()) {
        std::fprintf(
            stderr, "understudy: --defect: '%s' is not known; use ack-before-durable or ignore-payment-ids\n",
            defect.c_str());
        return 2;
    }
    return understudy::node::run_program(static_cast<int>(others.size()), others.data(), wrap);
}
