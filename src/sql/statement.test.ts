/** Operations and objects by example: one table per feature, each row a dialect, a text and what must come out. */
import { test } from 'node:test';
import { checkObjects } from './testkit.ts';

test('queries: tables of joins, lists, brackets and subqueries, without aliases, CTEs and functions', () => {
  checkObjects([
    ['postgresql', 'select * from a', 'SELECT', 'a', ''],
    ['postgresql', 'select * from s.a x, "B c" as y left join d on x.i = y.i, e', 'SELECT', 's.a B c d e', ''],
    ['postgresql', 'select * from (a join b using (id)) j natural join c', 'SELECT', 'a b c', ''],
    ['postgresql', 'select (select max(x) from q) m from r where exists (select 1 from t)', 'SELECT', 'q r t', ''],
    ['postgresql', 'select * from (select * from (select * from deep) x) y', 'SELECT', 'deep', ''],
    ['postgresql', '(select 1 from a) union all ((select 2 from b) except select 3 from c)', 'SELECT', 'a b c', ''],
    ['postgresql', 'with x as (select * from a), y(c) as (select * from x) select * from y, b', 'SELECT', 'a b', ''],
    ['postgresql', 'with t as (select * from t) select * from t', 'SELECT', 't', ''],
    ['postgresql', 'with recursive t as (select 1 from b union select * from t) select * from t', 'SELECT', 'b', ''],
    ['postgresql', 'select * from (with x as (select 1) select * from x) y, x', 'SELECT', 'x', ''],
    ['postgresql', 'select * from generate_series(1, 3) g(n), lateral (select * from a) b', 'SELECT', 'a', ''],
    ['postgresql', 'select * from only a, rows from (f(1), g(2)) z', 'SELECT', 'a', ''],
    ['postgresql', 'table a', 'SELECT', 'a', ''],
    ['postgresql', 'values (1, 2), (3, 4)', 'VALUES', '', ''],
    ['postgresql', 'select a is distinct from b, extract(day from c), trim(both from d) from e', 'SELECT', 'e', ''],
    ['postgresql', 'select * into temp table n from o', 'SELECT', 'o', 'n'],
    ['postgresql', 'select * from a for update of a', 'SELECT', 'a', ''],
    ['mysql', 'select a into @x from t', 'SELECT', 't', ''],
    ['mysql', "select * from t into outfile '/tmp/x' fields terminated by ','", 'SELECT', 't', ''],
    ['mysql', 'select * from t use index (i), `u v` force index for join (j) where 1', 'SELECT', 't u v', ''],
    ['mysql', 'select * from a straight_join b on a.x = b.x', 'SELECT', 'a b', ''],
    ['mysql', 'select * from "quoted"', 'SELECT', 'quoted', ''],
    [
      'tsql',
      'select top 5 * from [dbo].[My Table] t with (nolock), u(nolock) option (recompile)',
      'SELECT',
      'dbo.My Table u',
      '',
    ],
    ['tsql', 'select * from a cross apply f(a.x) g outer apply (select * from b) h', 'SELECT', 'a b', ''],
    ['tsql', 'select * into #t from srv.db..o', 'SELECT', 'srv.db..o', '#t'],
    ['oracle', 'select * from emp@hq e, table(f(1)) where rownum < 5', 'SELECT', 'emp@hq', ''],
    ['oracle', 'select * from t connect by prior a = b start with a = 1', 'SELECT', 't', ''],
    ['db2', 'select * from final table (insert into t (a) values (1)) x', 'SELECT | INSERT', '', 't'],
  ]);
});

test('changes: what is written, through aliases, joins and common table expressions', () => {
  checkObjects([
    ['postgresql', 'insert into s.t (a, b) values (1, 2) on conflict (a) do update set b = 3', 'INSERT', '', 's.t'],
    ['postgresql', 'insert into t select * from u', 'INSERT', 'u', 't'],
    ['postgresql', 'insert into t as x (a) select b from u union select c from v', 'INSERT', 'u v', 't'],
    ['postgresql', 'update only t as x set a = (select max(b) from u) from v where v.i = x.i', 'UPDATE', 'u v', 't'],
    ['postgresql', 'delete from t using u join v using (i) where t.i = u.i', 'DELETE', 'u v', 't'],
    ['postgresql', 'with d as (delete from a returning *) select * from d', 'SELECT | DELETE', '', 'a'],
    ['postgresql', 'with d as (delete from a returning *) insert into b select * from d', 'INSERT | DELETE', '', 'a b'],
    ['mysql', 'insert ignore into t set a = 1, b = (select c from u)', 'INSERT', 'u', 't'],
    ['mysql', 'insert t values (1) on duplicate key update a = values(a)', 'INSERT', '', 't'],
    ['mysql', 'replace into t (a) values (1)', 'REPLACE', '', 't'],
    ['mysql', 'select replace(a, 1, 2), insert(a, 1, 2, 3), left(a, 1) from t', 'SELECT', 't', ''],
    ['mysql', 'update a, b set a.x = b.x where a.i = b.i', 'UPDATE', 'b', 'a'],
    ['mysql', 'update orders o join customers c on o.c = c.i set o.x = 1, c.y = 2', 'UPDATE', '', 'orders customers'],
    ['mysql', 'update a join b set x = 1', 'UPDATE', '', 'a b'],
    ['mysql', 'delete t1, t2 from t1 inner join t2 inner join t3 where 1', 'DELETE', 't3', 't1 t2'],
    ['mysql', 'delete from x, y using db.t1 as x join t2 as y join t3', 'DELETE', 't3', 'db.t1 t2'],
    ['mysql', 'delete a.* from t a, u', 'DELETE', 'u', 't'],
    ['tsql', 'update a set a.x = 1 from dbo.t a join u on u.i = a.i', 'UPDATE', 'u', 'dbo.t'],
    ['tsql', 'delete a from dbo.t a join u on u.i = a.i', 'DELETE', 'u', 'dbo.t'],
    ['tsql', 'delete top (5) from t where x = 1', 'DELETE', '', 't'],
    ['tsql', 'delete from t output deleted.* into audit_log where x = 1', 'DELETE', '', 't audit_log'],
    ['tsql', 'with c as (select * from t where x in (select y from u)) update c set a = 1', 'UPDATE', 'u', 't'],
    ['tsql', 'set nocount on select * from a', 'SET | SELECT', 'a', ''],
    ['oracle', 'delete from (select * from t) where a = 1', 'DELETE', '', 't'],
    ['tsql', 'insert t (a) exec p 1', 'INSERT | EXECUTE', '', 't'],
    ['oracle', 'delete t where a = 1', 'DELETE', '', 't'],
    [
      'oracle',
      'insert all when a > 1 then into t1 (a) values (a) else into t2 values (b) select a, b from u',
      'INSERT',
      'u',
      't1 t2',
    ],
    [
      'oracle',
      'merge into t using (select * from u) s on (t.i = s.i) when matched then update set a = 1 delete where b = 2 when not matched then insert (a) values (s.a)',
      'MERGE',
      'u',
      't',
    ],
    ['tsql', 'merge t as d using u as s on d.i = s.i when not matched by source then delete;', 'MERGE', 'u', 't'],
  ]);
});

test('what changes: a table with an alias of its own is no alias of another', () => {
  checkObjects([
    ['mysql', 'update s.items, items x set x.i = 1', 'UPDATE', 's.items', 'items'],
    ['mysql', 'update items x, s.items set x.i = 1', 'UPDATE', 's.items', 'items'],
    ['tsql', 'update x set j = 1 from s.items x join items y on y.i = x.i', 'UPDATE', 'items', 's.items'],
  ]);
});

test('definitions: verb with object class, the object, and the tables its definition names', () => {
  checkObjects([
    ['postgresql', 'create table if not exists s.t (a int references p (i), like o)', 'CREATE TABLE', 'p o', 's.t'],
    ['postgresql', 'create temp table t as with q as (select * from u) select * from q', 'CREATE TABLE', 'u', 't'],
    ['mysql', 'create table t like u', 'CREATE TABLE', 'u', 't'],
    ['mysql', 'create table t (i int) select * from u', 'CREATE TABLE', 'u', 't'],
    ['postgresql', 'create or replace view v as select * from t', 'CREATE VIEW', 't', 'v'],
    ['postgresql', 'create materialized view m as select * from t', 'CREATE MATERIALIZED VIEW', 't', 'm'],
    ['postgresql', 'create unique index concurrently i on s.t (a)', 'CREATE INDEX', '', 's.t'],
    ['postgresql', 'drop table if exists a, b.c cascade', 'DROP TABLE', '', 'a b.c'],
    ['postgresql', 'drop index i, j', 'DROP INDEX', '', 'i j'],
    ['mysql', 'drop index i on t', 'DROP INDEX', '', 't'],
    ['mysql', "create definer = 'a'@'%' sql security invoker view v as select 1 from t", 'CREATE VIEW', 't', 'v'],
    ['mysql', 'create trigger g before insert on t for each row set new.a = 1', 'CREATE TRIGGER', '', 't'],
    ['postgresql', 'alter table only t rename to u', 'ALTER TABLE', '', 't u'],
    ['postgresql', 'alter role bob with superuser', 'ALTER ROLE', '', 'bob'],
    ['postgresql', 'drop database prod', 'DROP DATABASE', '', 'prod'],
    [
      'postgresql',
      'create function f(begin int) returns int as $$ drop table x; $$ language sql',
      'CREATE FUNCTION',
      '',
      'f',
    ],
    ['oracle', 'create or replace editionable package body p as begin null; end;', 'CREATE PACKAGE BODY', '', 'p'],
    ['oracle', 'create synonym s for hr.t', 'CREATE SYNONYM', 'hr.t', 's'],
    ['postgresql', 'create user mapping for bob server s', 'CREATE USER MAPPING', '', ''],
    ['postgresql', 'alter default privileges grant select on tables to bob', 'ALTER DEFAULT PRIVILEGES', '', ''],
    ['tsql', 'create clustered index i on dbo.t (a)', 'CREATE INDEX', '', 'dbo.t'],
    ['postgresql', 'truncate only a, b restart identity', 'TRUNCATE', '', 'a b'],
    ['mysql', 'rename table a to b, c to d', 'RENAME TABLE', '', 'a b c d'],
    ['postgresql', "comment on column s.t.c is 'x'", 'COMMENT', '', 's.t'],
    ['postgresql', 'refresh materialized view concurrently m', 'REFRESH MATERIALIZED VIEW', '', 'm'],
  ]);
});

test('privileges, transfer, inspection and control', () => {
  checkObjects([
    ['postgresql', 'grant select, update (a) on table t, u to bob with grant option', 'GRANT', '', 't u'],
    ['postgresql', 'grant admin to bob', 'GRANT', '', ''],
    ['postgresql', 'revoke all on schema s from bob', 'REVOKE', '', ''],
    ['tsql', 'deny select on object::dbo.t to bob', 'DENY', '', 'dbo.t'],
    ['mysql', 'grant all privileges on db.* to bob', 'GRANT', '', 'db'],
    ['postgresql', 'copy t (a, b) from stdin', 'COPY', '', 't'],
    ['postgresql', 'copy t to program $$x$$', 'COPY', 't', ''],
    ['postgresql', 'copy (delete from t returning *) to stdout', 'COPY | DELETE', '', 't'],
    ['mysql', "load data local infile 'x' into table db.t", 'LOAD DATA', '', 'db.t'],
    ['mysql', 'lock tables a read, b as c write', 'LOCK TABLE', 'a b', ''],
    ['postgresql', 'explain delete from t', 'EXPLAIN', 't', ''],
    ['postgresql', 'explain (analyze, buffers) delete from t', 'EXPLAIN | DELETE', '', 't'],
    ['postgresql', 'explain (analyze false) delete from t', 'EXPLAIN', 't', ''],
    ['mysql', 'describe t', 'DESCRIBE', 't', ''],
    ['mysql', 'show full columns from t like "a%"', 'SHOW', 't', ''],
    ['mysql', 'show create table db.t', 'SHOW', 'db.t', ''],
    ['mysql', 'show tables from db', 'SHOW', '', ''],
    ['postgresql', 'declare c cursor for select * from t', 'DECLARE | SELECT', 't', ''],
    ['postgresql', 'vacuum (full, verbose) t', 'VACUUM', 't', ''],
    ['postgresql', 'vacuum analyze', 'VACUUM', '', ''],
    ['mysql', 'optimize table a, b', 'OPTIMIZE TABLE', 'a b', ''],
    ['postgresql', 'start transaction isolation level serializable', 'BEGIN', '', ''],
    ['tsql', 'begin tran x', 'BEGIN', '', ''],
    ['postgresql', 'end', 'COMMIT', '', ''],
    ['mysql', 'kill query 5', 'KILL', '', ''],
    ['tsql', "backup database [prod] to disk = N'x'", 'BACKUP DATABASE', 'prod', ''],
    ['tsql', 'fetch next from c into @x', 'FETCH', '', ''],
    ['postgresql', 'import foreign schema s from server z into q', 'IMPORT FOREIGN', '', ''],
    ['oracle', 'flashback table t to before drop', 'FLASHBACK TABLE', '', 't'],
    ['mysql', 'drop prepare q', 'DEALLOCATE', '', ''],
    ['generic', 'frobnicate the thing', 'FROBNICATE', '', ''],
    ['generic', '"x"', 'UNKNOWN', '', ''],
  ]);
});

test('batches and blocks: every statement in them is an operation', () => {
  checkObjects([
    [
      'tsql',
      'select * from a delete from b exec p update c set x = 1',
      'SELECT | DELETE | EXECUTE | UPDATE',
      'a',
      'b c',
    ],
    ['tsql', 'if exists (select 1 from a) drop table a else truncate table b', 'DROP TABLE | TRUNCATE', '', 'a b'],
    [
      'tsql',
      'begin try delete from a; end try begin catch select error_message(); end catch',
      'DELETE | SELECT',
      '',
      'a',
    ],
    ['tsql', 'declare @x int = 1 select @x', 'DECLARE | SELECT', '', ''],
    [
      'oracle',
      'begin p.q(:1); if x then delete from a; end if; for r in (select * from b) loop insert into c values (1); end loop; end;',
      'BLOCK | DELETE | INSERT',
      'b',
      'a c',
    ],
    ['oracle', 'declare v number; begin select a into v from t; end;', 'BLOCK | SELECT', 't', ''],
    ['db2', 'begin atomic delete from a; update b set c = 1; end', 'BLOCK | DELETE | UPDATE', '', 'a b'],
  ]);
});
