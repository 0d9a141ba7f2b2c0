"""psycopg2: values put into the text by the client, server-side cursors, COPY, two-phase commit of errors and rollbacks."""
import io
import json
import os

import psycopg2

target = json.loads(os.environ["LAB_TARGET"])
connection = psycopg2.connect(
    host=target["host"],
    port=target["port"],
    dbname=target["database"],
    user="alice",
    password="wonderland",
    sslmode="prefer" if target["tls"] else "disable",
    application_name="lab-psycopg2",
)
cursor = connection.cursor()
cursor.execute("create temp table people (id int, name text, born date, photo bytea)")
for number in range(target["count"]):
    cursor.execute(
        "insert into people values (%s, %s, %s, %s)",
        (number, "O'Brien \\ %d" % number, "2001-02-03", psycopg2.Binary(bytes([0, 39, 255]))),
    )
    if number % 50 == 49:
        connection.commit()
cursor.execute("select count(*) from people")
cursor.copy_from(io.StringIO("1\tone\n2\ttwo\n"), "people", columns=("id", "name"))
named = connection.cursor("walker")
named.itersize = 10
named.execute("select id from people order by id limit 35")
named.fetchall()
named.close()
try:
    cursor.execute("select * from no_such_table")
except psycopg2.Error:
    connection.rollback()
cursor.execute("select 'after the error'")
connection.commit()
connection.close()
