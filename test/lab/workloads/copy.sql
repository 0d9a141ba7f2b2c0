-- COPY both ways, in text, CSV and binary, and one that fails midway.
create table copied (id int, name text);
copy copied from stdin;
1	one
2	two\twith tab
3	\N
\.
copy copied (id, name) from stdin with (format csv, header);
id,name
4,"four, quoted"
5,
\.
copy copied from stdin;
6	six
not a number	seven
\.
copy copied to stdout;
copy (select id, upper(name) from copied where id < 3) to stdout with (format csv);
\copy copied to 'copied.bin' with (format binary)
\copy copied from 'copied.bin' with (format binary)
select count(*) from copied;
drop table copied;
