-- Simple queries as a person types them, and several statements in one message (\;).
create table if not exists books (id int primary key, title text not null, price numeric(8,2));
insert into books values (1, 'It''s; a title', 9.90), (2, E'tab\there', 10), (3, $q$dollar ; quoted$q$, null);
select * from books where id = 1;
select 1 as one\; select 'a;b' as two\; select $tag$ ; $tag$ as three;
begin\; update books set price = price + 1\; commit;
select /* a comment ; inside /* nested */ still */ 1 -- and one at the end ; here
;
select "Weird;Column" from (select 5 as "Weird;Column") as t;
select U&'d\0061t\+000061' as escaped, 'ünï€😀' as text;
explain select * from books;
with gone as (delete from books where id = 3 returning *) select count(*) from gone;
create or replace function twice(n int) returns int language sql as $$ select n * 2; $$;
select twice(21);
do $$ begin perform 1; raise notice 'said; in a block'; end $$;
set statement_timeout = '30s';
show statement_timeout;
create role temporary_role password 'not-to-be-kept';
drop table books;
