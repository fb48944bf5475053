// SPDX-License-Identifier: Apache-2.0
#include "storage/database/sql/parse_tree.hpp"

#include <pg_query.h>

#include "storage/database/sql/nesting.hpp"

namespace understudy::database {
namespace {

// The tree is deep where an expression is: an unpacked node for each level, and a frame in each walk over it.
constexpr int max_walk_depth = 10'000;

const char* sqlstate_of(std::string_view message) {
    if (message.starts_with("stack depth") || message.starts_with("memory exhausted"))
        return sqlstate::too_complex;
    if (message.find("out of range") != std::string_view::npos) return sqlstate::out_of_range;
    return sqlstate::syntax_error;
}

bool walk(const ProtobufCMessage& message, bool (*wanted)(const PgQuery__FuncCall&), int depth) {
    if (depth > max_walk_depth) return false;
    if (message.descriptor == &pg_query__select_stmt__descriptor) return false;
    const auto* bytes = reinterpret_cast<const char*>(&message);
    if (message.descriptor == &pg_query__func_call__descriptor &&
        wanted(*reinterpret_cast<const PgQuery__FuncCall*>(bytes)))
        return true;
    for (unsigned i = 0; i < message.descriptor->n_fields; ++i) {
        const auto& field = message.descriptor->fields[i];
        if (field.type != PROTOBUF_C_TYPE_MESSAGE) continue;
        const bool one_of = (field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (one_of && *reinterpret_cast<const std::uint32_t*>(bytes + field.quantifier_offset) != field.id)
            continue;
        if (field.label == PROTOBUF_C_LABEL_REPEATED) {
            const auto count = *reinterpret_cast<const std::size_t*>(bytes + field.quantifier_offset);
            const auto* items = *reinterpret_cast<ProtobufCMessage* const* const*>(bytes + field.offset);
            for (std::size_t item = 0; item < count; ++item)
                if (items[item] != nullptr && walk(*items[item], wanted, depth + 1)) return true;
        } else if (const auto* child = *reinterpret_cast<ProtobufCMessage* const*>(bytes + field.offset);
                   child != nullptr && walk(*child, wanted, depth + 1)) {
            return true;
        }
    }
    return false;
}

}  // namespace

SqlResult<ParseTree> ParseTree::parse(const std::string& sql) {
    if (nesting_bound(sql) > max_nesting)
        return SqlError{sqlstate::too_complex, "stack depth limit exceeded"};
    PgQueryProtobufParseResult result = pg_query_parse_protobuf(sql.c_str());
    ParseTree tree;
    SqlError error;
    if (result.error != nullptr) {
        error = {sqlstate_of(result.error->message), result.error->message};
        error.position = result.error->cursorpos;
    } else {
        tree.tree_.reset(pg_query__parse_result__unpack(
            nullptr, result.parse_tree.len, reinterpret_cast<const std::uint8_t*>(result.parse_tree.data)));
        if (!tree.tree_) error = {sqlstate::too_complex, "the statement is nested too deeply"};
    }
    pg_query_free_protobuf_parse_result(result);
    if (!error.sqlstate.empty()) return error;
    return tree;
}

std::string_view text_of(const PgQuery__Node* node) {
    if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_STRING) return {};
    return node->string->sval;
}

std::vector<std::string> names_of(PgQuery__Node* const* nodes, std::size_t count) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) names.emplace_back(text_of(nodes[i]));
    return names;
}

std::string quoted(std::string_view identifier) {
    std::string text = "\"";
    for (const char c : identifier) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    return text + "\"";
}

std::string quoted_list(const std::vector<std::string>& identifiers) {
    std::string list;
    for (const auto& identifier : identifiers) list += (list.empty() ? "" : ", ") + quoted(identifier);
    return list;
}

bool contains_call(const PgQuery__Node* node, bool (*wanted)(const PgQuery__FuncCall&)) {
    return node != nullptr && walk(node->base, wanted, 0);
}

}  // namespace understudy::database
