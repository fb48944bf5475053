-- json, uuid, boolean, copy.
select '{"b": 1, "a": [1, 2, {"c": null}], "bb": 1.50}'::jsonb, '{"a": 1, "a": 2}'::jsonb, '{"x" :  1}'::json, '[]'::jsonb, '"s"'::jsonb;
select '{bad'::jsonb;
select '{"a": {"b": [10, 20]}}'::jsonb -> 'a' -> 'b' -> 1, '{"a": "x"}'::jsonb ->> 'a', '{"a": "x"}'::jsonb -> 'a', '[1,2,3]'::jsonb -> -1, '{"a": null}'::jsonb ->> 'a', '{"a":1}'::json ->> 'a', '[1]'::jsonb -> 5;
select '{"a":1,"b":2}'::jsonb = '{"b":2, "a":1}'::jsonb;
select 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid, '{a0eebc999c0b4ef8bb6d6bb9bd380a11}'::uuid, gen_random_uuid() <> gen_random_uuid();
select 'nope'::uuid;
select 'yes'::boolean, 'f'::boolean, true::text, false::int, 1::boolean, 't' = true, not null, true and null, false and null, true or null;
select 'maybe'::boolean;
select 2.5::boolean;
create table w (id int primary key, t text, n numeric(5,1), b boolean, at timestamp, raw bytea);
copy w from stdin;
1	plain	1.25	t	2026-01-01 00:00:00	\\x01
2	tab\there\nline\\	\N	f	\N	\N
3	\N	-7	\N	2026-06-01 12:00:00.5	\N
\.
select * from w order by id;
copy w to stdout;
copy (select id, t from w where t is not null order by id) to stdout with (format csv, header);
copy w (id, t) from stdin with (format csv);
4,"quoted, ""text"""
5,
6,""
\.
select id, t, t is null as missing from w where id > 3 order by id;
copy w from stdin;
7	too	few
\.
copy w (id) from stdin;
x
\.
copy w (id) from stdin;
1
\.
select count(*) from w;
copy nothing from stdin;
copy w to stdout (format csv, delimiter ';', null 'NULL');
select table_name, column_name, data_type, is_nullable from information_schema.columns where table_name = 'w' order by ordinal_position;
select relname, relkind from pg_class where relname in ('w', 'w_pkey') order by 1;
select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute where attrelid = 'w'::regclass and attnum > 0 order by attnum;
show server_encoding;
set statement_timeout = '50ms';
select pg_sleep(5);
set statement_timeout = 0;
show statement_timeout;
set nosuchthing = 1;
show nosuchthing;
reset all;
select current_database(), current_user, current_schema;
vacuum;
analyze w;
