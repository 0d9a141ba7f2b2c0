"""psycopg2 over libpq: a CancelRequest on a second connection ends the statement of the first, which then goes on."""
import json
import os
import threading

import psycopg2

target = json.loads(os.environ["LAB_TARGET"])
connection = psycopg2.connect(
    host=target["host"],
    port=target["port"],
    dbname=target["database"],
    user="alice",
    password="wonderland",
    sslmode="prefer" if target["tls"] else "disable",
    application_name="lab-cancel",
)
connection.autocommit = True
cursor = connection.cursor()
threading.Timer(0.3, connection.cancel).start()
try:
    cursor.execute("select pg_sleep(30)")
    raise SystemExit("the statement was not cancelled")
except psycopg2.errors.QueryCanceled:
    cursor.execute("select 'after the cancel'")
connection.close()
