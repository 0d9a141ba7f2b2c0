/**
 * Speed of `analyze`, operation to fingerprint, in MB a second of CPU; best round.
 *
 * Workloads, all seeded: `oltp` (statements of about 100 characters from a few dozen templates with fresh literals, as
 * applications send them), `cold` (the same with table and column names that hardly ever repeat, so that every shape is
 * new), `lists` (known but for lists behind IN of 1 to 1,000 values), `bulk` (INSERT with 500 rows). Each round checks how
 * many statements, objects and literals came out.
 *
 * Run: `node dist/test/bench/sql.js [seconds]` (the built file); prints one line per workload.
 */
import { createAnalyzer } from '#src/sql/analyzer.js';

interface Workload {
  readonly name: string;
  readonly texts: readonly string[];
  readonly statements: number;
  readonly literals: number;
}

/** Deterministic 32-bit generator. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

const ROUNDS_MIN = 5;

/** `?` is a literal, `@` a name's suffix. */
const TEMPLATES = [
  'SELECT c.id, c.name, c.email FROM customers@ c WHERE c.id = ? AND c.status = ? ORDER BY c.name LIMIT ?',
  'SELECT o.id, o.total, i.sku FROM orders@ o JOIN order_items i ON i.order_id = o.id WHERE o.customer_id = ?',
  'UPDATE accounts@ SET balance = balance + ?, updated_at = now() WHERE account_id = ? AND branch = ?',
  'INSERT INTO history@ (tid, bid, aid, delta, mtime, note) VALUES (?, ?, ?, ?, now(), ?)',
  'DELETE FROM sessions@ WHERE user_id = ? AND expires_at < ? AND kind IN (?, ?)',
  'SELECT count(*) FROM audit.events@ e WHERE e.actor = ? AND e.at >= ? AND e.at < ? GROUP BY e.kind',
];

function texts(count: number, seed: number, suffixes: number): Workload {
  const random = generator(seed);
  const out: string[] = [];
  let literals = 0;
  for (let i = 0; i < count; i++) {
    const template = TEMPLATES[Math.floor(random() * TEMPLATES.length)] as string;
    const suffix = suffixes === 0 ? '' : `_${Math.floor(random() * suffixes)}`;
    const text = template.replace('@', suffix).replaceAll('?', () => {
      literals++;
      const value = Math.floor(random() * 100_000);
      return random() < 0.5 ? String(value) : `'v${value}'`;
    });
    // A copy without ropes, as the wire's decoder gives it.
    out.push(Buffer.from(text, 'latin1').toString('latin1'));
  }
  return { name: suffixes === 0 ? 'oltp' : 'cold', texts: out, statements: count, literals };
}

function bulk(count: number): Workload {
  const rows = Array.from({ length: 500 }, (_, i) => `(${i}, 'name ${i}', ${i * 7}.5)`).join(', ');
  const text = Buffer.from(`INSERT INTO items (id, name, price) VALUES ${rows}`, 'latin1').toString('latin1');
  return { name: 'bulk', texts: new Array<string>(count).fill(text), statements: count, literals: count * 1500 };
}

function lists(count: number, seed: number): Workload {
  const random = generator(seed);
  const out: string[] = [];
  let literals = 0;
  for (let i = 0; i < count; i++) {
    const values = Array.from({ length: 1 + Math.floor(random() * 1000) }, () => Math.floor(random() * 100_000));
    literals += values.length;
    out.push(Buffer.from(`SELECT id, name FROM items WHERE id IN (${values.join(', ')})`, 'latin1').toString('latin1'));
  }
  return { name: 'lists', texts: out, statements: count, literals };
}

/** CPU time of this process so far, user and system. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function run(workload: Workload, seconds: number): string {
  const analyzer = createAnalyzer();
  let characters = 0;
  for (const text of workload.texts) characters += text.length;
  let rounds = 0;
  const until = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
  let best = Number.POSITIVE_INFINITY;
  do {
    let statements = 0;
    let literals = 0;
    const fromUs = cpuUs();
    for (const text of workload.texts) {
      for (const statement of analyzer.analyze(text, 'postgresql')) {
        statements++;
        literals += statement.literals.length;
        if (statement.objects.length === 0 || statement.fingerprint.length !== 16) throw new Error(`lost: ${text}`);
      }
    }
    best = Math.min(best, 1000 * (cpuUs() - fromUs));
    rounds++;
    if (statements !== workload.statements || literals !== workload.literals) {
      throw new Error(`${workload.name}: ${statements} statements and ${literals} literals`);
    }
    // A first round is not compiled yet, and on a busy machine may be the only one within the time.
  } while (process.hrtime.bigint() < until || rounds < ROUNDS_MIN);
  const perStatement = best / workload.statements;
  const rate = characters / (best / 1e3);
  const { shapes_known: shapes, templates_known: templates } = analyzer.counters;
  const known = (shapes as number) + (templates as number);
  return `${workload.name.padEnd(5)} ${rate.toFixed(0).padStart(5)} MB/s  ${perStatement.toFixed(0).padStart(7)} ns/statement  ${((known / (rounds * workload.statements)) * 100).toFixed(0)} % known`;
}

const seconds = Number(process.argv[2] ?? 3);
for (const workload of [texts(20_000, 1, 0), texts(20_000, 2, 1e9), lists(500, 3), bulk(50)]) {
  process.stdout.write(`${run(workload, seconds)}\n`);
}
