// SPDX-License-Identifier: Apache-2.0
// nextval and its like (PostgreSQL manual chapter 9.17). Their first argument is the sequence's name, the
// second the table whose counter of SQLite's it is (a serial's), or NULL. What they change belongs to the
// transaction and is rolled back with it, other than in PostgreSQL: one file has one writer.
#include <limits>
#include <memory>
#include <optional>

#include "storage/database/functions/call.hpp"
#include "storage/database/sql/parse_tree.hpp"

namespace understudy::database {
namespace {

struct FinishStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using OwnStatement = std::unique_ptr<sqlite3_stmt, FinishStatement>;

OwnStatement made(Call& call, const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(call.connection(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
        call.fail(sqlstate::internal_error, sqlite3_errmsg(call.connection()));
    return OwnStatement(statement);
}
bool done(Call& call, const OwnStatement& statement) {
    if (statement && sqlite3_step(statement.get()) == SQLITE_DONE) return true;
    if (statement) call.fail(sqlstate::internal_error, sqlite3_errmsg(call.connection()));
    return false;
}

struct SequenceState {
    std::int64_t last = 0;
    bool called = false;
    std::int64_t increment = 1, least = 1, greatest = std::numeric_limits<std::int64_t>::max();
    bool cycles = false;
};

std::optional<SequenceState> read_sequence(Call& call) {
    SequenceState state;
    if (call.null(1)) {
        const auto row =
            made(call, "SELECT last_value, is_called, increment_by, min_value, max_value, cycles FROM " +
                           database::quoted(call.text(0)));
        if (!row) return std::nullopt;
        if (sqlite3_step(row.get()) != SQLITE_ROW) {
            call.fail(sqlstate::undefined_table, fmt::format("relation \"{}\" does not exist", call.text(0)));
            return std::nullopt;
        }
        const auto at = [&](int column) { return sqlite3_column_int64(row.get(), column); };
        return SequenceState{at(0), at(1) != 0, at(2), at(3), at(4), at(5) != 0};
    }
    const auto row = made(call, "SELECT seq FROM sqlite_sequence WHERE name = ?1");
    if (!row) return std::nullopt;
    const std::string table(call.text(1));
    sqlite3_bind_text(row.get(), 1, table.data(), static_cast<int>(table.size()), SQLITE_TRANSIENT);
    if (sqlite3_step(row.get()) == SQLITE_ROW) state.last = sqlite3_column_int64(row.get(), 0);
    state.called = state.last > 0;
    if (!state.called) state.last = 1;
    return state;
}

bool write_sequence(Call& call, std::int64_t last, bool called) {
    if (call.null(1)) {
        const auto change = made(call, fmt::format("UPDATE {} SET last_value = {}, is_called = {}",
                                                   database::quoted(call.text(0)), last, called ? 1 : 0));
        return done(call, change);
    }
    const std::string table(call.text(1));
    // SQLite's counter says what was given last, which is one less for a number that is yet to be given.
    for (const char* sql : {"DELETE FROM sqlite_sequence WHERE name = ?1",
                            "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)"}) {
        const auto change = made(call, sql);
        if (!change) return false;
        sqlite3_bind_text(change.get(), 1, table.data(), static_cast<int>(table.size()), SQLITE_TRANSIENT);
        if (sqlite3_bind_parameter_count(change.get()) > 1)
            sqlite3_bind_int64(change.get(), 2, called ? last : last - 1);
        if (!done(call, change)) return false;
    }
    return true;
}

void remember(Call& call, std::int64_t value) {
    auto& context = call.context();
    const std::string name(call.text(0));
    if (!context.sequences.contains(name) && context.sequences.size() >= max_sequences)
        return call.fail(sqlstate::limit_exceeded,
                         fmt::format("more than {} sequences are used in this session", max_sequences));
    context.remember_serial(name, value);
}

void next_value(Call& call) {
    const auto state = read_sequence(call);
    if (!state) return;
    std::int64_t value = state->last;
    if (state->called) {
        const bool up = state->increment > 0;
        const bool over = __builtin_add_overflow(state->last, state->increment, &value) ||
                          (up ? value > state->greatest : value < state->least);
        if (over && !state->cycles)
            return call.fail("2200H", fmt::format("nextval: reached {} value of sequence \"{}\" ({})",
                                                  up ? "maximum" : "minimum", call.text(0),
                                                  up ? state->greatest : state->least));
        if (over) value = up ? state->least : state->greatest;
    }
    if (!write_sequence(call, value, true)) return;
    call.give(value);
    remember(call, value);
}

void current_value(Call& call) {
    const auto& sequences = call.context().sequences;
    const auto found = sequences.find(std::string(call.text(0)));
    if (found == sequences.end())
        return call.fail("55000", fmt::format("currval of sequence \"{}\" is not yet defined in this session",
                                              call.text(0)));
    call.give(found->second);
}

void last_value(Call& call) {
    const auto& context = call.context();
    const auto found = context.sequences.find(context.last_sequence);
    if (found == context.sequences.end())
        return call.fail("55000", "lastval is not yet defined in this session");
    call.give(found->second);
}

void set_value(Call& call) {  // …, value, whether it was given already
    if (call.null(2) || call.null(3)) return;
    const auto state = read_sequence(call);
    if (!state) return;
    const std::int64_t value = call.integer(2);
    if (value < state->least || value > state->greatest)
        return call.fail(sqlstate::out_of_range,
                         fmt::format("setval: value {} is out of bounds for sequence \"{}\" ({}..{})", value,
                                     call.text(0), state->least, state->greatest));
    if (!write_sequence(call, value, call.integer(3) != 0)) return;
    call.give(value);
    // lastval() doesn't change by it.
    if (call.integer(3) != 0) {
        const std::string last = call.context().last_sequence;
        remember(call, value);
        call.context().last_sequence = last;
    }
}

void rule(Call& call) {  // name, which column
    const auto row = made(call, fmt::format("SELECT {} FROM {}", database::quoted(call.text(1)),
                                            database::quoted(call.text(0))));
    if (row && sqlite3_step(row.get()) == SQLITE_ROW)
        call.give(static_cast<std::int64_t>(sqlite3_column_int64(row.get(), 0)));
}

void check_rules(Call& call) {  // name, start, last, least, greatest
    const auto start = call.integer(1), last = call.integer(2), least = call.integer(3),
               greatest = call.integer(4);
    std::string fault;
    if (least >= greatest)
        fault = fmt::format("MINVALUE ({}) must be less than MAXVALUE ({})", least, greatest);
    else if (start < least)
        fault = fmt::format("START value ({}) cannot be less than MINVALUE ({})", start, least);
    else if (start > greatest)
        fault = fmt::format("START value ({}) cannot be greater than MAXVALUE ({})", start, greatest);
    else if (last < least)
        fault = fmt::format("RESTART value ({}) cannot be less than MINVALUE ({})", last, least);
    else if (last > greatest)
        fault = fmt::format("RESTART value ({}) cannot be greater than MAXVALUE ({})", last, greatest);
    if (!fault.empty()) return call.fail("22023", fault);
    call.give(std::int64_t{1});
}

}  // namespace

void add_sequence_functions(Registry& registry) {
    registry.add_changing("understudy_nextval", 2, with_nulls<next_value>);
    registry.add_changing("understudy_currval", 2, with_nulls<current_value>);
    registry.add_changing("understudy_lastval", 0, with_nulls<last_value>);
    registry.add_changing("understudy_setval", 4, with_nulls<set_value>);
    registry.add_changing("understudy_sequence_rule", 2, strict<rule>);
    registry.add_changing("understudy_sequence_check", 5, strict<check_rules>);
}

}  // namespace understudy::database
