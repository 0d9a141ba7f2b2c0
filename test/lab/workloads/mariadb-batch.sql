-- What the command-line client sends of a script: one statement a message.
create table if not exists books (id int primary key, title varchar(80), price decimal(8,2));
insert into books values (1, 'It''s; a title', 9.90), (2, 'back\'slash; \\', 10), (3, "double; quoted", null);
select * from books where id = 1;
select /* a comment ; inside */ 1 as one # and one at the end ; here
;
select `weird;column` from (select 5 as `weird;column`) as t;
select 'ünï€😀' as text, x'00ff' as bytes, 0b101 as bits, _utf8mb4'intro' as introduced;
select /*! 1 + */ 1 as executable_comment;
replace into books values (2, 'replaced', 11);
insert into books values (1, 'again', 0) on duplicate key update price = price + 1;
update books set price = 1 where id in (1, 2);
delete from books where id = 3;
select 'a request that is long enough to be deflated, part 0 of it' as part_0, 'a request that is long enough to be deflated, part 1 of it' as part_1, 'a request that is long enough to be deflated, part 2 of it' as part_2, 'a request that is long enough to be deflated, part 3 of it' as part_3, 'a request that is long enough to be deflated, part 4 of it' as part_4, 'a request that is long enough to be deflated, part 5 of it' as part_5, 'a request that is long enough to be deflated, part 6 of it' as part_6, 'a request that is long enough to be deflated, part 7 of it' as part_7, 'a request that is long enough to be deflated, part 8 of it' as part_8, 'a request that is long enough to be deflated, part 9 of it' as part_9, 'a request that is long enough to be deflated, part 10 of it' as part_10, 'a request that is long enough to be deflated, part 11 of it' as part_11;
set password = password('wonderland');
set @n = 5;
select @n + 1;
show tables;
describe books;
use information_schema;
select count(*) > 0 as some from tables;
use lab;
drop table books;
