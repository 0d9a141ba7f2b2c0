/** Sessions by how they lie to a range of time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sessions } from '#src/console/api/records.js';
import { statement, TEST_TIME_US } from '#src/store/fixture.js';
import { type TestConsole, withConsole } from './console.js';

async function listed(console: TestConsole, path: string): Promise<Sessions> {
  const response = await console.get('viewer', path);
  assert.equal(response.statusCode, 200, response.body);
  return response.json() as Sessions;
}

test('sessions by how they lie to the range, as a whole, with the records that match', () => {
  const minutes: Readonly<Record<string, readonly number[]>> = {
    before: [1, 2],
    until: [1, 10],
    around: [1, 30],
    within: [10, 19],
    from: [19, 20],
    behind: [20, 25],
  };
  let seq = 0;
  const records = Object.values(minutes).flatMap((times, n) =>
    times.map((minute) =>
      statement(++seq, {
        session: `00000000000000a${n}`,
        timeUs: TEST_TIME_US + minute * 60e6,
        operation: minute < 10 ? 'DELETE' : 'SELECT',
      }),
    ),
  );
  const names = Object.keys(minutes);
  const at = (minute: number): string => new Date((TEST_TIME_US + minute * 60e6) / 1000).toISOString();
  return withConsole(records, async (console) => {
    const found = async (query: string): Promise<string> => {
      const { sessions } = await listed(console, `/sessions?t=${at(10)}/${at(20)}&${query}`);
      return sessions.map(({ session, records: count }) => `${names[Number(session.at(-1))]} ${count}`).join(', ');
    };
    assert.equal(await found(''), 'from 2, within 2, until 2, around 2');
    assert.equal(await found('relation=overlaps'), await found(''));
    assert.equal(await found('relation=covers'), 'around 2');
    assert.equal(await found('relation=inside'), 'within 2');
    assert.equal(await found('relation=not'), 'behind 2, before 2');
    // The record that matches may be before the range; `time:` says when it has to be.
    assert.equal(await found('q=op:DELETE'), 'until 1, around 1');
    assert.equal(await found(`q=time:${at(10)}/${at(20)}`), 'from 1, within 2, until 1');
    assert.equal(await found('q=op:DELETE&relation=not'), 'before 2');
    assert.equal((await console.get('viewer', '/sessions?relation=near')).statusCode, 400);
    const [around] = (await listed(console, `/sessions?t=${at(10)}/${at(20)}&relation=covers`)).sessions;
    assert.deepEqual(
      [around?.first, around?.last].map((time) => time?.slice(0, 19)),
      [at(1), at(30)].map((time) => time.slice(0, 19)),
    );
  });
});
