import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statement, TEST_TIME_US, withDirectory } from '../../store/fixture.ts';
import { openStore } from '../../store/store.ts';
import { OpenStore } from '../reads/open-store.ts';
import { Source } from '../reads/source.ts';
import { collect } from './collect.ts';
import type { ReportRequest } from './model.ts';

const REQUEST: ReportRequest = {
  kind: 'console',
  q: '',
  db: undefined,
  fromUs: TEST_TIME_US,
  toUs: TEST_TIME_US + 60e6,
  by: 'ann',
  createdAt: '2026-11-22T00:00:00.000Z',
  version: '1.0.0',
  sight: { literals: true, limit: undefined },
  decisions: [],
  trail: [],
};

async function withSource(use: (source: Source) => void): Promise<void> {
  await withDirectory(async (directory) => {
    const store = await openStore(directory);
    const writer = store.writer('wait');
    for (let n = 0; n < 5; n++) writer.write(statement(n, { timeUs: TEST_TIME_US + n }));
    await writer.close();
    await store.close();
    const open = new OpenStore(directory);
    use(new Source(open, undefined));
    open.reader.close();
  });
}

test('a table that is cut says of how many rows it has the first', async () => {
  await withSource((source) => {
    const trailOf = (count: number): string[][] =>
      Array.from({ length: count }, (_, n) => ['2026-11-22T00:00:00', 'ann', '::1', 'view', `${n}`, '']);
    const [whole] = collect(source, { ...REQUEST, trail: trailOf(10_000) }).model.tables;
    assert.equal(whole?.rows.length, 10_000);
    assert.equal(whole?.note, '10000 entries.');
    const [cut] = collect(source, { ...REQUEST, trail: trailOf(10_001) }).model.tables;
    assert.equal(cut?.rows.length, 10_000);
    assert.match(cut?.note ?? '', /^10001 entries\. The first 10000 are listed/);
  });
});

test('a report has every record of its subject, and says what it was made from', async () => {
  await withSource((source) => {
    const { model, records } = collect(source, { ...REQUEST, kind: 'completeness' });
    assert.equal(records, 5);
    assert.deepEqual(model.figures[0], { name: 'Records', value: '5' });
    assert.match(model.completeness, /everything that reached the sensors was recorded/);
    const privileged = collect(source, { ...REQUEST, kind: 'privileged', q: 'user:alice' });
    assert.equal(privileged.records, 0, 'none of them changes a privilege');
    assert.equal(privileged.model.query, 'user:alice');
  });
});
