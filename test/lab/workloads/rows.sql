-- Statements that give or change rows, in every way that has a count.
create table stock (id int primary key, n int);
insert into stock select g, g % 7 from generate_series(1, 50) as g;
insert into stock values (1, 0), (51, 1) on conflict (id) do nothing;
insert into stock values (1, 0), (52, 1) on conflict (id) do update set n = stock.n + 1 returning id, n;
update stock set n = n + 1 where id between 10 and 19;
update stock set n = 0 where id < 0;
update stock set n = n where id in (3, 4) returning *;
delete from stock where n > 6;
delete from stock where id = 20 returning id;
merge into stock as s using (values (1), (99)) as v (id) on s.id = v.id
  when matched then update set n = 9 when not matched then insert values (v.id, 9);
with gone as (delete from stock where id between 30 and 33 returning *) select * from gone;
create table copied as select * from stock where id < 10;
select * into another from stock where id < 5;
create materialized view seen as select * from stock;
refresh materialized view seen;
select * from stock where false;
values (1), (2), (3);
table copied;
select 1 union all select 2;
insert into copied values (100, 1)\; select * from copied\; delete from copied where id > 5;
begin;
declare walker scroll cursor for select id from stock order by id;
fetch 5 from walker;
move 3 in walker;
fetch backward 2 from walker;
fetch 0 from walker;
update stock set n = 1 where current of walker;
fetch all from walker;
move all in walker;
close walker;
commit;
prepare change(int) as update stock set n = n + 1 where id < $1;
execute change(6);
copy stock to stdout;
copy copied from stdin;
200	1
201	2
\.
copy (select * from stock where id < 4) to stdout with (format csv);
explain analyze select * from stock;
truncate copied;
drop materialized view seen;
drop table stock, copied, another;
