"""PyMySQL: values put into the text by the client, executemany as one long INSERT, errors, rollbacks."""
import json
import os

import pymysql

target = json.loads(os.environ["LAB_TARGET"])
connection = pymysql.connect(
    host=target["host"],
    port=target["port"],
    database=target["database"],
    user="alice",
    password="wonderland",
    charset="utf8mb4",
    program_name="lab-pymysql",
    # Where the server offers none, the client goes on without.
    ssl={"check_hostname": False} if target["tls"] else None,
)
with connection.cursor() as cursor:
    cursor.execute("create temporary table people (id int, name varchar(60), photo blob)")
    for number in range(target["count"]):
        cursor.execute(
            "insert into people values (%s, %s, %s)",
            (number, "O'Brien \\ ü %d" % number, b"\x00'ab"),
        )
    cursor.executemany("insert into people (id, name) values (%s, %s)", [(i, str(i)) for i in range(20)])
    cursor.execute("select count(*) from people")
    try:
        cursor.execute("select * from no_such_table")
    except pymysql.Error:
        connection.rollback()
    cursor.execute("select 'after the error'")
connection.commit()
connection.close()
