// SPDX-License-Identifier: Apache-2.0
// One nftables table as a value, and the commands that turn one such value into another: the smallest change.
// Whoever wants a new state of the kernel describes the state and leaves the order of
// commands (what is referred to must be there first and go last) to this file. Pure. Texts go into commands
// as they are: names and rules must come from code, or from names that were checked.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace understudy::lb {

// A set, or a map where elements have values. Elements that rules add at run time are not described.
struct NftSet {
    std::string declaration;                      // "type mark : verdict;"
    std::map<std::string, std::string> elements;  // key → value; empty values in a set
    bool is_map = false;
    bool operator==(const NftSet&) const = default;
};

struct NftChain {
    std::string hook;  // "type nat hook prerouting priority dstnat;", empty for a chain that is jumped to
    std::vector<std::string> rules;
    bool operator==(const NftChain&) const = default;
};

// By names, all of one table. An object is a counter or a timeout, known by kind and name ("counter a"), with
// its body. Declarations, hooks and bodies never change under the same name: what changes gets a new name.
struct NftTable {
    std::string name;  // with its family: "ip understudy-lb-a"
    std::map<std::string, std::string> objects;
    std::map<std::string, NftSet> sets;
    std::map<std::string, NftChain> chains;
    bool operator==(const NftTable&) const = default;
};

// Transactions, to be run in order. One message to the kernel can't be larger than the socket's buffer, which
// only root of the machine may enlarge: so what is large is several transactions, each of which leaves a
// table that works, with some elements missing. A set's elements always change in one.
using NftTransactions = std::vector<std::string>;

// Make the table, replacing one of that name whoever left it.
NftTransactions render_table(const NftTable& table);

// Turn `from`, which is in force, into `to`; empty where nothing differs. Objects that are in both keep their
// counts.
NftTransactions render_change(const NftTable& from, const NftTable& to);

std::string render_removal(const NftTable& table);  // succeeds where there is none

}  // namespace understudy::lb
