// SPDX-License-Identifier: Apache-2.0
// The system catalogs that clients ask: PostgreSQL manual chapters 53 and 37. Relations have the OID 16384 +
// their row in SQLite's schema; a primary key that is SQLite's row number shows as an index with the OID
// 1000016384 + that row.
#include <fmt/format.h>

#include <map>

#include "storage/database/schema_reader.hpp"

namespace understudy::database {
namespace {

struct Definition {
    const char* name;
    const char* columns;  // "name type, …"
    const char* sql;
};

const Definition definitions[] = {
    {"pg_namespace", "oid oid, nspname name, nspowner oid, nspacl text_array",
     "SELECT 11 AS oid, 'pg_catalog' AS nspname, 10 AS nspowner, NULL AS nspacl UNION ALL SELECT 2200, "
     "'public', 10, NULL "
     "UNION ALL SELECT 13000, 'information_schema', 10, NULL"},
    {"pg_class",
     "oid oid, relname name, relnamespace oid, reltype oid, reloftype oid, relowner oid, relam oid, "
     "reltablespace oid, "
     "reltuples float4, reltoastrelid oid, relhasindex bool, relisshared bool, relpersistence char, relkind "
     "char, "
     "relnatts int2, relchecks int2, relhasrules bool, relhastriggers bool, relrowsecurity bool, "
     "relforcerowsecurity bool, "
     "relreplident char, relispartition bool, relacl text_array, reloptions text_array, relpartbound text",
     "SELECT s.rowid + 16384 AS oid, CASE WHEN s.sql IS NULL THEN s.tbl_name || (SELECT CASE l.origin WHEN "
     "'pk' THEN "
     "'_pkey' ELSE (SELECT '_' || group_concat(i.name, '_') || '_key' FROM pragma_index_info(s.name) AS i) "
     "END FROM "
     "pragma_index_list(s.tbl_name) AS l WHERE l.name = s.name) ELSE s.name END AS relname, 2200 AS "
     "relnamespace, 0 AS "
     "reltype, 0 AS reloftype, 10 AS relowner, CASE s.type WHEN 'index' THEN 403 ELSE 2 END AS relam, 0 AS "
     "reltablespace, "
     "-1.0 AS reltuples, 0 AS reltoastrelid, s.type = 'table' AND (s.sql LIKE '%INTEGER /*%' OR EXISTS "
     "(SELECT 1 FROM "
     "pragma_index_list(s.name))) AS relhasindex, 0 AS relisshared, 'p' AS relpersistence, CASE s.type WHEN "
     "'table' THEN CASE WHEN s.sql LIKE '%\" (last_value BIGINT /*sequence*/%' THEN 'S' ELSE "
     "'r' END WHEN 'view' THEN 'v' ELSE 'i' END AS relkind, (SELECT count(*) FROM pragma_table_info(s.name)) "
     "AS "
     "relnatts, 0 AS "
     "relchecks, 0 AS relhasrules, 0 AS relhastriggers, 0 AS relrowsecurity, 0 AS relforcerowsecurity, 'd' "
     "AS relreplident, "
     "0 AS relispartition, NULL AS relacl, NULL AS reloptions, NULL AS relpartbound FROM sqlite_schema AS s "
     "WHERE s.type IN "
     "('table', 'view', 'index') AND (s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' OR s.name LIKE "
     "'sqlite\\_autoindex%' ESCAPE "
     "'\\') UNION ALL SELECT s.rowid + 1000016384, s.name || '_pkey', 2200, 0, 0, 10, 403, 0, -1.0, 0, 0, 0, "
     "'p', 'i', 1, "
     "0, 0, 0, 0, 0, 'n', 0, NULL, NULL, NULL FROM sqlite_schema AS s WHERE s.type = 'table' AND s.sql LIKE "
     "'%INTEGER /*%'"},
    {"pg_attribute",
     "attrelid oid, attname name, atttypid oid, attlen int2, attnum int2, attndims int4, atttypmod int4, "
     "attnotnull bool, "
     "atthasdef bool, attidentity char, attgenerated char, attisdropped bool, attcollation oid, "
     "attstattarget int4, "
     "attstorage char, attcompression char, attacl text_array, attfdwoptions text_array",
     "SELECT s.rowid + 16384 AS attrelid, c.name AS attname, understudy_declared_oid(c.type, s.sql, c.name) "
     "AS atttypid, -1 AS "
     "attlen, c.cid + 1 AS attnum, 0 AS attndims, understudy_declared_typmod(c.type, s.sql, c.name) AS "
     "atttypmod, "
     "(c.\"notnull\" OR c.pk > 0) AS "
     "attnotnull, c.dflt_value IS NOT NULL AS atthasdef, '' AS attidentity, CASE WHEN c.hidden > 1 THEN 's' "
     "ELSE '' END AS "
     "attgenerated, 0 AS attisdropped, 0 AS attcollation, -1 AS attstattarget, 'p' AS attstorage, '' AS "
     "attcompression, "
     "NULL AS attacl, NULL AS attfdwoptions FROM sqlite_schema AS s, pragma_table_xinfo(s.name) AS c WHERE "
     "s.type IN "
     "('table', 'view') UNION ALL SELECT s.rowid + 16384, i.name, 25, -1, i.seqno + 1, 0, -1, 0, 0, '', '', "
     "0, 0, -1, 'p', "
     "'', NULL, NULL FROM sqlite_schema AS s, pragma_index_info(s.name) AS i WHERE s.type = 'index'"},
    {"pg_attrdef", "oid oid, adrelid oid, adnum int2, adbin text",
     "SELECT s.rowid + 2000000000 AS oid, s.rowid + 16384 AS adrelid, c.cid + 1 AS adnum, "
     "replace(replace(replace(c.dflt_value, 'understudy_now()', 'now()'), 'understudy_nextval(', "
     "'nextval('), "
     "', NULL)', ')') AS adbin FROM sqlite_schema AS s, "
     "pragma_table_xinfo(s.name) AS c WHERE s.type = 'table' AND c.dflt_value IS NOT NULL"},
    {"pg_index",
     "indexrelid oid, indrelid oid, indnatts int2, indisunique bool, indisprimary bool, indisclustered bool, "
     "indisvalid "
     "bool, indisreplident bool, indimmediate bool, indkey text, indpred text, indexprs text, "
     "indnullsnotdistinct bool",
     "SELECT s.rowid + 16384 AS indexrelid, (SELECT t.rowid + 16384 FROM sqlite_schema AS t WHERE t.name = "
     "s.tbl_name AND "
     "t.type = 'table') AS indrelid, (SELECT count(*) FROM pragma_index_info(s.name)) AS indnatts, "
     "l.\"unique\" AS "
     "indisunique, (l.origin = 'pk' OR coalesce(s.sql LIKE '%/*primary key*/', 0)) AS indisprimary, 0 AS "
     "indisclustered, 1 "
     "AS indisvalid, 0 AS indisreplident, 1 AS indimmediate, (SELECT group_concat(i.cid + 1, ' ') FROM "
     "pragma_index_info(s.name) AS i) AS indkey, NULL AS indpred, NULL AS indexprs, 0 AS indnullsnotdistinct "
     "FROM "
     "sqlite_schema AS s, pragma_index_list(s.tbl_name) AS l WHERE s.type = 'index' AND l.name = s.name "
     "UNION ALL SELECT "
     "s.rowid + 1000016384, s.rowid + 16384, 1, 1, 1, 0, 1, 0, 1, (SELECT c.cid + 1 FROM "
     "pragma_table_info(s.name) AS c WHERE "
     "c.pk > 0), NULL, NULL, 0 FROM sqlite_schema AS s WHERE s.type = 'table' AND s.sql LIKE '%INTEGER /*%'"},
    {"pg_constraint",
     "oid oid, conname name, connamespace oid, contype char, condeferrable bool, condeferred bool, conrelid "
     "oid, conindid "
     "oid, confrelid oid, conparentid oid, conkey text, confkey text",
     "SELECT s.rowid + 16384 AS oid, CASE WHEN s.sql IS NULL THEN s.tbl_name || CASE l.origin WHEN 'pk' THEN "
     "'_pkey' ELSE "
     "(SELECT '_' || group_concat(i.name, '_') || '_key' FROM pragma_index_info(s.name) AS i) END ELSE "
     "s.name END AS conname, "
     "2200 AS connamespace, CASE WHEN l.origin = 'pk' OR s.sql LIKE '%/*primary key*/' THEN 'p' ELSE 'u' END "
     "AS contype, 0 "
     "AS condeferrable, 0 AS condeferred, (SELECT t.rowid + 16384 FROM sqlite_schema AS t WHERE t.name = "
     "s.tbl_name AND "
     "t.type = 'table') AS conrelid, s.rowid + 16384 AS conindid, 0 AS confrelid, 0 AS conparentid, NULL AS "
     "conkey, NULL AS "
     "confkey FROM sqlite_schema AS s, pragma_index_list(s.tbl_name) AS l WHERE s.type = 'index' AND l.name "
     "= s.name AND "
     "(s.sql IS NULL OR s.sql LIKE '%/*primary key*/' OR s.sql LIKE '%/*unique*/') UNION ALL SELECT s.rowid "
     "+ 1000016384, s.name || "
     "'_pkey', 2200, 'p', 0, "
     "0, s.rowid + 16384, s.rowid + 1000016384, 0, 0, NULL, NULL FROM sqlite_schema AS s WHERE s.type = "
     "'table' AND s.sql LIKE "
     "'%INTEGER /*%'"},
    {"pg_type",
     "oid oid, typname name, typnamespace oid, typlen int2, typtype char, typcategory char, typrelid oid, "
     "typelem oid, "
     "typarray oid, typbasetype oid, typtypmod int4, typnotnull bool, typdelim char, typinput regclass, "
     "typcollation oid",
     ""},  // made below
    {"pg_database",
     "oid oid, datname name, datdba oid, encoding int4, datlocprovider char, datistemplate bool, "
     "datallowconn bool, "
     "datcollate name, datctype name, daticulocale text, datacl text_array, dattablespace oid",
     "SELECT 16383 AS oid, understudy_current_database() AS datname, 10 AS datdba, 6 AS encoding, 'c' AS "
     "datlocprovider, 0 AS "
     "datistemplate, 1 AS datallowconn, 'C' AS datcollate, 'C' AS datctype, NULL AS daticulocale, NULL AS "
     "datacl, 1663 AS "
     "dattablespace"},
    {"pg_roles",
     "oid oid, rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, "
     "rolcanlogin bool, "
     "rolconnlimit int4, rolvaliduntil timestamptz, rolreplication bool, rolbypassrls bool",
     "SELECT 10 AS oid, understudy_current_user() AS rolname, 0 AS rolsuper, 1 AS rolinherit, 0 AS "
     "rolcreaterole, 0 AS "
     "rolcreatedb, 1 AS rolcanlogin, -1 AS rolconnlimit, NULL AS rolvaliduntil, 0 AS rolreplication, 0 AS "
     "rolbypassrls"},
    {"pg_am", "oid oid, amname name, amtype char",
     "SELECT 2 AS oid, 'heap' AS amname, 't' AS amtype UNION ALL SELECT 403, 'btree', 'i'"},
    {"pg_tables", "schemaname name, tablename name, tableowner name",
     "SELECT 'public' AS schemaname, s.name AS tablename, understudy_current_user() AS tableowner FROM "
     "sqlite_schema AS s "
     "WHERE s.type = 'table' AND s.sql NOT LIKE '%\" (last_value BIGINT /*sequence*/%' AND s.name NOT LIKE "
     "'sqlite\\_%' ESCAPE "
     "'\\'"},
    {"pg_views", "schemaname name, viewname name, viewowner name",
     "SELECT 'public' AS schemaname, s.name AS viewname, understudy_current_user() AS viewowner FROM "
     "sqlite_schema AS s "
     "WHERE s.type = 'view'"},
    {"pg_settings", "name text, setting text", "SELECT NULL AS name, NULL AS setting WHERE 0"},
    {"pg_collation", "oid oid, collname name, collnamespace oid",
     "SELECT 950 AS oid, 'C' AS collname, 11 AS collnamespace"},
    {"pg_sequence",
     "seqrelid oid, seqtypid oid, seqstart int8, seqincrement int8, seqmax int8, seqmin int8, seqcache int8, "
     "seqcycle bool",
     "SELECT s.rowid + 16384 AS seqrelid, CASE WHEN s.sql LIKE '%, log\\_cnt BIGINT /*smallint*/%' ESCAPE "
     "'\\' THEN 21 WHEN s.sql LIKE '%, log\\_cnt BIGINT /*integer*/%' ESCAPE '\\' THEN 23 ELSE 20 END AS "
     "seqtypid, understudy_sequence_rule(s.name, 'start_value') AS seqstart, "
     "understudy_sequence_rule(s.name, 'increment_by') AS seqincrement, "
     "understudy_sequence_rule(s.name, 'max_value') AS seqmax, understudy_sequence_rule(s.name, 'min_value') "
     "AS seqmin, 1 AS seqcache, understudy_sequence_rule(s.name, 'cycles') AS seqcycle FROM sqlite_schema AS "
     "s WHERE s.type = 'table' AND s.sql LIKE '%\" (last_value BIGINT /*sequence*/%'"},
    // Of sequences on the columns that own them (sql/owned_sequences.cpp).
    {"pg_depend",
     "classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, refobjsubid int4, deptype char",
     "SELECT 1259 AS classid, s.rowid + 16384 AS objid, 0 AS objsubid, 1259 AS refclassid, t.rowid + 16384 "
     "AS "
     "refobjid, c.cid + 1 AS refobjsubid, 'a' AS deptype FROM sqlite_schema AS g JOIN sqlite_schema AS s ON "
     "s.type = 'table' AND g.name = 'owner of ' || s.name JOIN sqlite_schema AS t ON t.type = 'table' AND "
     "t.name = g.tbl_name, pragma_table_info(t.name) AS c WHERE g.type = 'trigger' AND instr(g.sql, "
     "printf('CREATE TRIGGER \"%w\" AFTER UPDATE OF \"%w\" ON ', g.name, c.name)) = 1"},
    {"pg_description", "objoid oid, classoid oid, objsubid int4, description text",
     "SELECT 0 AS objoid, 0 AS classoid, 0 AS objsubid, NULL AS description WHERE 0"},
    {"pg_inherits", "inhrelid oid, inhparent oid, inhseqno int4, inhdetachpending bool",
     "SELECT 0 AS inhrelid, 0 AS inhparent, 0 AS inhseqno, 0 AS inhdetachpending WHERE 0"},
    {"pg_policy",
     "oid oid, polname name, polrelid oid, polcmd char, polpermissive bool, polroles text_array, polqual "
     "text, "
     "polwithcheck text",
     "SELECT 0 AS oid, NULL AS polname, 0 AS polrelid, NULL AS polcmd, 0 AS polpermissive, NULL AS polroles, "
     "NULL AS polqual, "
     "NULL AS polwithcheck WHERE 0"},
    {"pg_trigger", "oid oid, tgrelid oid, tgname name, tgisinternal bool, tgenabled char, tgparentid oid",
     "SELECT 0 AS oid, 0 AS tgrelid, NULL AS tgname, 0 AS tgisinternal, NULL AS tgenabled, 0 AS tgparentid "
     "WHERE 0"},
    {"pg_statistic_ext",
     "oid oid, stxrelid oid, stxname name, stxnamespace oid, stxkind text_array, stxstattarget int4",
     "SELECT 0 AS oid, 0 AS stxrelid, NULL AS stxname, 0 AS stxnamespace, NULL AS stxkind, 0 AS "
     "stxstattarget WHERE 0"},
    {"pg_publication", "oid oid, pubname name, puballtables bool",
     "SELECT 0 AS oid, NULL AS pubname, 0 AS puballtables WHERE 0"},
    {"pg_publication_rel", "oid oid, prpubid oid, prrelid oid, prqual text, prattrs text",
     "SELECT 0 AS oid, 0 AS prpubid, 0 AS prrelid, NULL AS prqual, NULL AS prattrs WHERE 0"},
    {"pg_publication_namespace", "oid oid, pnpubid oid, pnnspid oid",
     "SELECT 0 AS oid, 0 AS pnpubid, 0 AS pnnspid WHERE 0"},
    {"pg_auth_members", "oid oid, roleid oid, member oid, grantor oid",
     "SELECT 0 AS oid, 0 AS roleid, 0 AS member, 0 AS grantor WHERE 0"},
    {"pg_range", "rngtypid oid, rngsubtype oid, rngmultitypid oid",
     "SELECT 0 AS rngtypid, 0 AS rngsubtype, 0 AS rngmultitypid WHERE 0"},
    {"pg_proc", "oid oid, proname name, pronamespace oid",
     "SELECT 0 AS oid, NULL AS proname, 0 AS pronamespace WHERE 0"},
    {"information_schema.tables", "table_catalog name, table_schema name, table_name name, table_type text",
     "SELECT understudy_current_database() AS table_catalog, 'public' AS table_schema, s.name AS table_name, "
     "CASE s.type WHEN "
     "'table' THEN 'BASE TABLE' ELSE 'VIEW' END AS table_type FROM sqlite_schema AS s WHERE s.type IN "
     "('table', 'view') AND s.sql NOT LIKE '%\" (last_value BIGINT /*sequence*/%' AND "
     "s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"},
    {"information_schema.columns",
     "table_catalog name, table_schema name, table_name name, column_name name, ordinal_position int4, "
     "column_default text, "
     "is_nullable text, data_type text",
     "SELECT understudy_current_database() AS table_catalog, 'public' AS table_schema, s.name AS table_name, "
     "c.name AS "
     "column_name, c.cid + 1 AS ordinal_position, c.dflt_value AS column_default, CASE WHEN c.\"notnull\" OR "
     "c.pk > 0 THEN "
     "'NO' ELSE 'YES' END AS is_nullable, understudy_format_type(understudy_declared_oid(c.type, s.sql, "
     "c.name), NULL) AS "
     "data_type FROM sqlite_schema AS s, pragma_table_xinfo(s.name) AS c WHERE s.type IN ('table', 'view') "
     "AND s.name NOT "
     "LIKE 'sqlite\\_%' ESCAPE '\\'"},
    {"information_schema.schemata", "catalog_name name, schema_name name",
     "SELECT understudy_current_database() AS catalog_name, 'public' AS schema_name"},
};

char category_of(SqlType type) {
    if (is_array(type)) return 'A';
    if (type == SqlType::boolean) return 'B';
    if (is_number(type) || type == SqlType::oid || type == SqlType::regclass) return 'N';
    if (type == SqlType::single_char) return 'Z';
    if (is_text(type)) return 'S';
    if (type == SqlType::interval) return 'T';
    return is_moment(type) || type == SqlType::time ? 'D' : 'U';
}

std::string types_sql() {
    const auto oid = [](std::optional<SqlType> type) {
        return static_cast<std::uint32_t>(type.value_or(SqlType::unknown));
    };
    std::string rows;
    for (const auto& type : all_types())
        rows += fmt::format("{}({}, '{}', {}, '{}', {}, {})", rows.empty() ? "" : ", ", oid(type.type),
                            type.name, type.bytes, category_of(type.type), oid(element_of(type.type)),
                            oid(array_of(type.type)));
    return "SELECT t.column1 AS oid, t.column2 AS typname, 11 AS typnamespace, t.column3 AS typlen, 'b' AS "
           "typtype, "
           "t.column4 AS typcategory, 0 AS typrelid, t.column5 AS typelem, t.column6 AS typarray, 0 AS "
           "typbasetype, "
           "-1 AS typtypmod, 0 AS typnotnull, ',' AS typdelim, 0 AS typinput, 0 AS typcollation FROM "
           "(VALUES " +
           rows + ") AS t";
}

std::vector<TableColumn> columns_of(std::string_view list) {
    std::vector<TableColumn> columns;
    while (!list.empty()) {
        std::string_view item = list.substr(0, list.find(", "));
        list.remove_prefix(std::min(list.size(), item.size() + 2));
        const auto blank = item.find(' ');
        TableColumn column;
        column.name = item.substr(0, blank);
        const std::string_view type = item.substr(blank + 1);
        column.type.type =
            type == "text_array" ? SqlType::text_array : type_from_name(type).value_or(SqlType::text);
        columns.push_back(std::move(column));
    }
    return columns;
}

}  // namespace

const Table* find_system_table(std::string_view schema, std::string_view name) {
    static const std::map<std::string, Table, std::less<>> tables = [] {
        std::map<std::string, Table, std::less<>> all;
        for (const auto& definition : definitions) {
            Table table;
            table.name = definition.name;
            const std::string sql = *definition.sql == '\0' ? types_sql() : definition.sql;
            table.sql = "(" + sql + ")";
            table.columns = columns_of(definition.columns);
            table.writable = false;
            table.always_empty = std::string_view(definition.sql).ends_with(" WHERE 0");
            all.emplace(definition.name, std::move(table));
        }
        return all;
    }();
    const auto found = schema == "information_schema" ? tables.find("information_schema." + std::string(name))
                                                      : tables.find(name);
    return found == tables.end() ? nullptr : &found->second;
}

}  // namespace understudy::database
