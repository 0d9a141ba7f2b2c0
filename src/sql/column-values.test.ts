/** Which values of a text stand for a wanted column, in every dialect; in doubt, all of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SqlDialect, WantedColumns } from '../contracts/sql.ts';
import { createColumnValueFinder } from './column-values.ts';
import { Tokens } from './tokens.ts';

/** `card` in any table, `pin` and every column of rows put into `vault` without a list. */
const wanted: WantedColumns = {
  column: (name) => /^(card|pin)$/i.test(name),
  table: (name) => /^vault$/i.test(name),
  mentions: (text) => /card|pin/i.test(text),
};
const finder = createColumnValueFinder();

/** The text with `#` in place of what was found, and the binds. */
function found(text: string, dialect: SqlDialect, bindCount = 0): readonly [string, readonly number[] | undefined] {
  const { literals, binds } = finder.find(text, dialect, wanted, bindCount);
  let shown = '';
  let from = 0;
  for (const { start, end } of literals) {
    shown += `${text.slice(from, start)}#`;
    from = end;
  }
  return [shown + text.slice(from), binds];
}

const ALL = ['postgresql', 'mysql', 'tsql', 'oracle', 'db2'] as const;

const EVERYWHERE: readonly (readonly [text: string, shown: string])[] = [
  ["INSERT INTO t (a, card) VALUES ('x', '4111')", "INSERT INTO t (a, card) VALUES ('x', #)"],
  ["INSERT INTO t (a, card) VALUES ('x', '4'), (2, '5')", "INSERT INTO t (a, card) VALUES ('x', #), (2, #)"],
  ["INSERT INTO t (card, b) VALUES (f('4', lower('5')), 'x')", "INSERT INTO t (card, b) VALUES (f(#, lower(#)), 'x')"],
  [
    "INSERT INTO s.t (a, card) SELECT id, '4' FROM u WHERE b = 'x'",
    "INSERT INTO s.t (a, card) SELECT id, # FROM u WHERE b = 'x'",
  ],
  [
    'INSERT INTO t (a, card) SELECT 1, 2 UNION ALL SELECT 3, 4',
    'INSERT INTO t (a, card) SELECT 1, # UNION ALL SELECT 3, #',
  ],
  ["INSERT INTO t (a, card) (SELECT 1, '4')", 'INSERT INTO t (a, card) (SELECT 1, #)'],
  ['INSERT INTO t (card, b) VALUES (1, 2, 3)', 'INSERT INTO t (card, b) VALUES (#, 2, #)'],
  ["INSERT INTO vault VALUES (1, '4', 'x')", 'INSERT INTO vault VALUES (#, #, #)'],
  ["INSERT INTO t VALUES (1, '4')", "INSERT INTO t VALUES (1, '4')"],
  ["UPDATE t SET a = 'x', card = '4', b = 5 WHERE id = 7", "UPDATE t SET a = 'x', card = #, b = 5 WHERE id = 7"],
  ["UPDATE t SET (a, card) = ('x', '4') WHERE id = 7", 'UPDATE t SET (a, card) = (#, #) WHERE id = 7'],
  [
    "UPDATE t SET card = CASE WHEN a = 1 AND b = 2 THEN '4' ELSE '5' END, c = 6",
    'UPDATE t SET card = CASE WHEN a = # AND b = # THEN # ELSE # END, c = 6',
  ],
  ["SELECT * FROM t WHERE card = '4' AND a = 'x' OR b = 2", "SELECT * FROM t WHERE card = # AND a = 'x' OR b = 2"],
  ["SELECT * FROM t WHERE '4' = t.card AND a = 1", 'SELECT * FROM t WHERE # = t.card AND a = 1'],
  [
    "SELECT * FROM t x WHERE x.card IN ('4', '5') AND a IN (1, 2)",
    'SELECT * FROM t x WHERE x.card IN (#, #) AND a IN (1, 2)',
  ],
  [
    "SELECT * FROM t WHERE card BETWEEN '4' AND '5' AND a BETWEEN 1 AND 2",
    'SELECT * FROM t WHERE card BETWEEN # AND # AND a BETWEEN 1 AND 2',
  ],
  [
    "SELECT * FROM t WHERE card LIKE '4%' OR lower(card) = lower('X')",
    'SELECT * FROM t WHERE card LIKE # OR lower(card) = lower(#)',
  ],
  ["SELECT * FROM t WHERE (card = '4' OR a = 'x') AND b = 2", "SELECT * FROM t WHERE (card = # OR a = 'x') AND b = 2"],
  ["SELECT * FROM t WHERE COALESCE(card, 'n') = '4'", 'SELECT * FROM t WHERE COALESCE(card, #) = #'],
  [
    "SELECT * FROM t WHERE card = (SELECT max(c) FROM u WHERE d = '4')",
    'SELECT * FROM t WHERE card = (SELECT max(c) FROM u WHERE d = #)',
  ],
  [
    "SELECT * FROM t WHERE (SELECT card FROM u WHERE id = 5) = '4'",
    'SELECT * FROM t WHERE (SELECT card FROM u WHERE id = 5) = #',
  ],
  [
    "SELECT * FROM t JOIN u ON u.card = '4' AND u.a = 'x' WHERE b = 1",
    "SELECT * FROM t JOIN u ON u.card = # AND u.a = 'x' WHERE b = 1",
  ],
  [
    "SELECT a, 'x' FROM t GROUP BY card HAVING max(card) > '4' ORDER BY 1",
    "SELECT a, 'x' FROM t GROUP BY card HAVING max(card) > # ORDER BY 1",
  ],
  [
    "MERGE INTO t USING u ON (t.id = u.id AND t.card = '4') WHEN MATCHED THEN UPDATE SET card = '5', a = 1 WHEN NOT MATCHED THEN INSERT (a, card) VALUES ('x', '6')",
    "MERGE INTO t USING u ON (t.id = u.id AND t.card = #) WHEN MATCHED THEN UPDATE SET card = #, a = 1 WHEN NOT MATCHED THEN INSERT (a, card) VALUES ('x', #)",
  ],
  [
    "MERGE INTO vault v USING u ON (v.id = u.id) WHEN NOT MATCHED THEN INSERT VALUES (1, '4')",
    'MERGE INTO vault v USING u ON (v.id = u.id) WHEN NOT MATCHED THEN INSERT VALUES (#, #)',
  ],
  [
    "WITH x AS (SELECT * FROM t WHERE card = '4') SELECT 'x' FROM x WHERE a = 1",
    "WITH x AS (SELECT * FROM t WHERE card = #) SELECT 'x' FROM x WHERE a = 1",
  ],
  [
    "UPDATE t SET b = 1; DELETE FROM t WHERE card = '4'; SELECT 5",
    'UPDATE t SET b = 1; DELETE FROM t WHERE card = #; SELECT 5',
  ],
  [
    "SELECT * FROM (SELECT card AS c, b FROM t) x WHERE x.c = '4' AND x.b = 'x'",
    "SELECT * FROM (SELECT card AS c, b FROM t) x WHERE x.c = # AND x.b = 'x'",
  ],
  [
    "WITH x AS (SELECT max(card) c FROM t) SELECT 1 FROM x WHERE c = '4'",
    'WITH x AS (SELECT max(card) c FROM t) SELECT 1 FROM x WHERE c = #',
  ],
  ["SELECT * FROM cols WHERE name = 'card'", "SELECT * FROM cols WHERE name = 'card'"],
  ["INSERT INTO log (msg) VALUES ('his card is 4111')", 'INSERT INTO log (msg) VALUES (#)'],
  ['INSERT INTO docs (body) VALUES (\'{"card": "4"}\')', 'INSERT INTO docs (body) VALUES (#)'],
  ['INSERT INTO t ("card") VALUES (\'4\')', 'INSERT INTO t ("card") VALUES (#)'],
  ["INSERT INTO t (a, card) VALUES ('x', '4", "INSERT INTO t (a, card) VALUES ('x', #"],
  ["SELECT * FROM t WHERE a = 'x' AND card = '4", "SELECT * FROM t WHERE a = 'x' AND card = #"],
];

test('values of a column, the same in all five dialects', () => {
  for (const dialect of ALL)
    for (const [text, shown] of EVERYWHERE) assert.equal(found(text, dialect)[0], shown, dialect);
});

const BY_DIALECT: readonly (readonly [dialect: SqlDialect, text: string, shown: string])[] = [
  [
    'postgresql',
    "INSERT INTO t (a, card) VALUES (1, '4') ON CONFLICT (a) DO UPDATE SET card = '5', b = 6",
    'INSERT INTO t (a, card) VALUES (1, #) ON CONFLICT (a) DO UPDATE SET card = #, b = 6',
  ],
  [
    'postgresql',
    "SELECT * FROM t WHERE card = ANY (ARRAY['4', '5']) AND a = 1",
    'SELECT * FROM t WHERE card = ANY (ARRAY[#, #]) AND a = 1',
  ],
  [
    'postgresql',
    "SELECT * FROM t WHERE card::text = E'4' AND U&\"\\0063ard\" = '5'",
    'SELECT * FROM t WHERE card::text = # AND U&"\\0063ard" = #',
  ],
  [
    'postgresql',
    "DO $$ BEGIN UPDATE t SET card = '4', a = 'x'; END $$",
    "DO $$ BEGIN UPDATE t SET card = #, a = 'x'; END $$",
  ],
  [
    'postgresql',
    "DO $$ DECLARE c text := '4'; n int := 1; BEGIN INSERT INTO t (card) VALUES (c); END $$",
    'DO $$ DECLARE c text := #; n int := 1; BEGIN INSERT INTO t (card) VALUES (c); END $$',
  ],
  ['postgresql', "CALL pay(amount => 5, card => '4')", 'CALL pay(amount => #, card => #)'],
  ['mysql', 'INSERT INTO t SET a = \'x\', card = "4"', "INSERT INTO t SET a = 'x', card = #"],
  [
    'mysql',
    "INSERT INTO t PARTITION (p0) (a, card) VALUES (1, '4') ON DUPLICATE KEY UPDATE card = VALUES(card), a = 'x'",
    "INSERT INTO t PARTITION (p0) (a, card) VALUES (1, #) ON DUPLICATE KEY UPDATE card = VALUES(card), a = 'x'",
  ],
  [
    'mysql',
    "REPLACE INTO `t` (`card`, b) VALUES ('4', REPLACE('x', 'y', 'z'))",
    "REPLACE INTO `t` (`card`, b) VALUES (#, REPLACE('x', 'y', 'z'))",
  ],
  ['mysql', "INSERT INTO t (a, /*!50000 card */) VALUES (1, '4')", 'INSERT INTO t (a, /*!50000 card */) VALUES (1, #)'],
  [
    'mysql',
    "SET @c = '4', @d = 'x'; INSERT INTO t (card) VALUES (@c)",
    "SET @c = #, @d = 'x'; INSERT INTO t (card) VALUES (@c)",
  ],
  [
    'tsql',
    "INSERT INTO t (a, [card]) OUTPUT inserted.a INTO @log (y) VALUES (1, N'4')",
    'INSERT INTO t (a, [card]) OUTPUT inserted.a INTO @log (y) VALUES (1, #)',
  ],
  [
    'tsql',
    "INSERT TOP (5) INTO vault WITH (TABLOCK) VALUES (1, '4')",
    'INSERT TOP (5) INTO vault WITH (TABLOCK) VALUES (#, #)',
  ],
  [
    'tsql',
    "DECLARE @c varchar(20) = '4' INSERT INTO t (card) VALUES (@c)",
    'DECLARE @c varchar(#) = # INSERT INTO t (card) VALUES (@c)',
  ],
  ['tsql', "EXEC pay @amount = 5, @card = '4'", 'EXEC pay @amount = 5, @card = #'],
  [
    'tsql',
    "EXEC sp_executesql N'UPDATE t SET card = @x WHERE a = @y', N'@x varchar(9), @y int', @x = '4', @y = 5",
    "EXEC sp_executesql N'UPDATE t SET card = @x WHERE a = @y', #, @x = #, @y = 5",
  ],
  ['tsql', "EXEC ('UPDATE t SET card = ''4''')", 'EXEC (#)'],
  ['tsql', "SELECT * FROM t WHERE [card] = '4' + '11' AND a = 'x'", "SELECT * FROM t WHERE [card] = # + # AND a = 'x'"],
  [
    'oracle',
    "INSERT ALL INTO t (card) VALUES ('4') INTO u (a) VALUES ('x') SELECT 1 FROM dual",
    "INSERT ALL INTO t (card) VALUES (#) INTO u (a) VALUES ('x') SELECT # FROM dual",
  ],
  [
    'oracle',
    "INSERT ALL INTO t (card) VALUES (c) INTO u (a) VALUES (b) SELECT '4' c, 5 b FROM dual",
    'INSERT ALL INTO t (card) VALUES (c) INTO u (a) VALUES (b) SELECT # c, # b FROM dual',
  ],
  [
    'oracle',
    "INSERT INTO (SELECT a, card FROM t) VALUES (1, '4')",
    'INSERT INTO (SELECT a, card FROM t) VALUES (#, #)',
  ],
  [
    'oracle',
    "BEGIN EXECUTE IMMEDIATE 'UPDATE t SET card = :1 WHERE a = 2' USING '4'; END;",
    "BEGIN EXECUTE IMMEDIATE 'UPDATE t SET card = :1 WHERE a = 2' USING #; END;",
  ],
  ['oracle', "SELECT * FROM t WHERE card = q'[4]' AND a = q'[x]'", "SELECT * FROM t WHERE card = # AND a = q'[x]'"],
  [
    'oracle',
    "DECLARE v VARCHAR2(20) := '4'; BEGIN INSERT INTO t (card) VALUES (v); END;",
    'DECLARE v VARCHAR2(#) := #; BEGIN INSERT INTO t (card) VALUES (v); END;',
  ],
  [
    'db2',
    "SELECT * FROM FINAL TABLE (INSERT INTO t (a, card) VALUES (1, '4'))",
    'SELECT * FROM FINAL TABLE (INSERT INTO t (a, card) VALUES (1, #))',
  ],
];

test('values of a column, by dialect', () => {
  for (const [dialect, text, shown] of BY_DIALECT) assert.equal(found(text, dialect)[0], shown, dialect);
});

const BINDS: readonly (readonly [
  dialect: SqlDialect,
  text: string,
  count: number,
  binds: readonly number[] | undefined,
])[] = [
  ['postgresql', 'INSERT INTO t (a, card) VALUES ($1, $2)', 2, [1]],
  ['postgresql', 'UPDATE t SET card = $3 WHERE a = $1 AND card = $2', 3, [1, 2]],
  ['postgresql', 'SELECT * FROM t WHERE a = $1', 1, []],
  ['mysql', 'INSERT INTO t (a, card) VALUES (?, ?), (?, ?)', 4, [1, 3]],
  ['mysql', 'SELECT * FROM t WHERE card = ?', 2, undefined],
  ['mysql', 'SELECT * FROM t WHERE card = @c AND a = ?', 1, []],
  ['oracle', 'INSERT INTO t (card, a) VALUES (:c, :a)', 2, [0]],
  ['oracle', 'UPDATE t SET card = :1 WHERE a = :2 AND b = :1', 3, [0, 2]],
  ['oracle', 'BEGIN UPDATE t SET a = :a, card = :c WHERE b = :a; END;', 2, [1]],
  ['oracle', 'UPDATE t SET card = :1 WHERE a = :2 AND b = :1', 9, undefined],
  ['tsql', 'UPDATE t SET card = @P1 WHERE a = @P0', 2, undefined],
  ['tsql', 'UPDATE t SET a = @P1 WHERE b = @P0', 2, []],
  ['db2', 'UPDATE t SET a = ?, card = ? WHERE b = ?', 3, [1]],
];

test('binds by the column they stand for; all of them where that is not sure', () => {
  for (const [dialect, text, count, binds] of BINDS) assert.deepEqual(found(text, dialect, count)[1], binds, text);
});

test('no value of the column is left, whatever stands around it', () => {
  const noise = fc.constantFrom(
    'a = 1',
    'f(b, 2) > 3',
    "c IN ('x', 'y')",
    'd BETWEEN 4 AND 5',
    '(e = 6 OR g = 7)',
    'EXISTS (SELECT 1 FROM u)',
  );
  const secret = fc.constantFrom(
    "card = 'S3CRET'",
    "'S3CRET' = card",
    "card IN (1, 'S3CRET')",
    "f(card, 'S3CRET') = 2",
    "card BETWEEN 'S3CRET' AND 'z'",
    "CASE WHEN h = 1 AND i = 2 THEN card ELSE 'S3CRET' END = 'q'",
    "(a, card) = (1, 'S3CRET')",
    "card = (SELECT 'S3CRET')",
    "NOT (card <> 'S3CRET')",
    "card = COALESCE((SELECT j FROM k WHERE l = 1 OR m = 2), 'S3CRET')",
  );
  const joined = fc.array(fc.oneof(noise, secret), { minLength: 1, maxLength: 6 });
  const word = fc.constantFrom(' AND ', ' OR ');
  const brackets = fc.integer({ min: 0, max: 3 });
  fc.assert(
    fc.property(fc.constantFrom(...ALL), joined, word, brackets, (dialect, parts, by, depth) => {
      const text = `SELECT n FROM t WHERE ${'('.repeat(depth)}${parts.join(by)}${')'.repeat(depth)}`;
      assert.ok(!found(text, dialect)[0].includes('S3CRET'), text);
    }),
    { seed: 7, numRuns: 2000 },
  );
});

test('broken and hostile text: never throws, spans in order and inside, work grows with the text', () => {
  const piece = fc.constantFrom(
    '(',
    ')',
    ',',
    ';',
    "'",
    '"',
    'card',
    'CASE',
    'END',
    'AND',
    'INSERT INTO t (',
    'VALUES (',
    'SELECT',
    '=',
    ':=',
    '@c',
    '?',
    '$$',
    '1',
    ' ',
    'DECLARE',
  );
  fc.assert(
    fc.property(fc.constantFrom(...ALL), fc.array(piece, { maxLength: 60 }), (dialect, pieces) => {
      const text = pieces.join(' ');
      let at = 0;
      for (const { start, end } of finder.find(text, dialect, wanted, 3).literals) {
        assert.ok(start >= at && end >= start && end <= text.length, text);
        at = end;
      }
    }),
    { seed: 11, numRuns: 3000 },
  );
  for (const unit of [
    '(',
    'card = (',
    '(card = 1 AND ',
    "CASE WHEN card = '4' AND ",
    'INSERT INTO t (card) VALUES (',
    '1, ',
    "'card' || ",
    'card = ? AND ',
    'insert into t (card) (a) (b) values (?), (1) ',
    'card AS c, ',
  ]) {
    const once = stepsOf(() => finder.find(unit.repeat(2000), 'oracle', wanted, 2000));
    const twice = stepsOf(() => finder.find(unit.repeat(4000), 'oracle', wanted, 4000));
    assert.ok(twice < 2.6 * once + 2000, `${unit}: ${once} steps, then ${twice}`);
  }
});

/** Steps of the work: reads of characters and tokens, places moved, elements a list was searched through. */
function stepsOf(work: () => void): number {
  const { push, includes, indexOf } = Array.prototype;
  const { charCodeAt } = String.prototype;
  const { kindAt } = Tokens.prototype;
  let steps = 0;
  Array.prototype.push = function (...items) {
    steps += items.length;
    return push.apply(this, items);
  };
  Array.prototype.includes = function (...search) {
    steps += this.length;
    return includes.apply(this, search);
  };
  Array.prototype.indexOf = function (...search) {
    steps += this.length;
    return indexOf.apply(this, search);
  };
  String.prototype.charCodeAt = function (this: string, at) {
    steps++;
    return charCodeAt.call(this, at);
  };
  Tokens.prototype.kindAt = function (this: Tokens, i) {
    steps++;
    return kindAt.call(this, i);
  };
  try {
    work();
  } finally {
    Object.assign(Array.prototype, { push, includes, indexOf });
    Object.assign(String.prototype, { charCodeAt });
    Object.assign(Tokens.prototype, { kindAt });
  }
  return steps;
}

test('many columns and many rows, many places and many names: no list is searched for each', () => {
  const columns = Array.from({ length: 10_000 }, (_, i) => `c${i}`).join(', ');
  const places = Array.from({ length: 15_000 }, (_, i) => `card = :p${i}`).join(' AND ');
  const rows = `INSERT INTO t (${columns}, card) ${'() '.repeat(4000)}VALUES ${'(1),'.repeat(4000)}`;
  const steps = stepsOf(() => assert.equal(finder.find(rows, 'oracle', wanted, 0).literals.length, 0));
  assert.ok(steps < 20 * rows.length, `${steps} steps for ${rows.length} characters`);
  for (const text of [places, places.replace(/:p\d+/g, '?')]) {
    const taken = stepsOf(() => {
      const { literals, binds } = finder.find(`SELECT 1 FROM t WHERE ${text}`, 'oracle', wanted, 15_000);
      assert.deepEqual([literals.length, binds?.length], [0, 15_000]);
    });
    assert.ok(taken < 20 * text.length, `${taken} steps for ${text.length} characters`);
  }
});
