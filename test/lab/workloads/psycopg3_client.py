"""psycopg 3: server-side binding, statements prepared on repetition, binary values, pipelines, COPY, errors."""
import json
import os

import psycopg

target = json.loads(os.environ["LAB_TARGET"])
connection = psycopg.connect(
    host=target["host"],
    port=target["port"],
    dbname=target["database"],
    user="alice",
    password="wonderland",
    sslmode="prefer" if target["tls"] else "disable",
    application_name="lab-psycopg3;user=ann",
    prepare_threshold=3,
)
connection.execute("create temp table people (id int, name text, score float8, photo bytea)")
for number in range(target["count"]):
    connection.execute(
        "insert into people values (%s, %s, %s, %s)",
        (number, "O'Brien \\ %d" % number, number / 4, bytes([0, 39, 255])),
    )
    connection.execute("select name from people where id = %b", (number,), binary=True).fetchall()
    if number % 50 == 49:
        connection.commit()
connection.commit()
with connection.pipeline():
    for number in range(target["count"]):
        connection.execute("update people set score = score + %s where id = %s", (1.5, number))
        if number % 7 == 6:
            connection.commit()
connection.commit()
with connection.cursor() as cursor:
    with cursor.copy("copy people (id, name) from stdin") as copy:
        for number in range(10):
            copy.write_row((number, "copied"))
    with cursor.copy("copy people to stdout (format binary)") as copy:
        for _ in copy:
            pass
with connection.cursor(name="walker") as walker:
    walker.itersize = 10
    walker.execute("select id from people order by id limit 35")
    walker.fetchall()
connection.commit()
try:
    with connection.pipeline():
        connection.execute("select 1")
        connection.execute("select * from no_such_table where id = %s", (1,))
        connection.execute("select 'never run'")
except psycopg.Error:
    connection.rollback()
connection.execute("select 'after the error'")
connection.commit()
connection.close()
