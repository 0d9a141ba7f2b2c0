/** Takes the pictures of `docs/screenshots` anew: `npm run build && node dist/test/web/screenshots.js`. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { goTo, NO_BROWSER, settled } from './browser.ts';
import { type Stage, withStage } from './stage.ts';

const FOLDER = resolve(import.meta.dirname, '../../../docs/screenshots');
const DAY = 't=2026-11-22T00:00Z/2026-11-22T03:00Z';

interface Picture {
  readonly name: string;
  readonly path: string;
  readonly colours?: 'dark';
  /** Query whose first record is opened: as a statement of its own, or its session. */
  readonly of?: string;
}

const PICTURES: readonly Picture[] = [
  { name: 'overview', path: `/?${DAY}` },
  { name: 'overview-dark', path: `/?${DAY}`, colours: 'dark' },
  { name: 'search', path: `/search?${DAY}&q=user:alice+rows>0` },
  { name: 'statement', path: `/search?${DAY}&q=rule:*&id=ID`, of: 'rule:default/injection-sign' },
  { name: 'session', path: '/sessions/SESSION', of: 'user:alice error:23505' },
  { name: 'user', path: `/users/alice?${DAY}` },
  { name: 'alerts', path: `/alerts?${DAY}` },
  { name: 'policies', path: '/policies?tab=edit' },
  { name: 'coverage', path: `/sensors?${DAY}` },
];

async function take(stage: Stage, picture: Picture): Promise<void> {
  const visit = await stage.visit('administrator', picture.colours === undefined ? {} : { colours: picture.colours });
  const { page } = visit;
  await page.setViewportSize({ width: 1200, height: 630 });
  let { path } = picture;
  if (picture.of !== undefined) {
    await goTo(visit, stage, '/account');
    const found = await page.evaluate(async (q) => {
      const answer = (await (await fetch(`/api/v1/records?limit=1&q=${encodeURIComponent(q)}`)).json()) as {
        rows: { id: string; session?: string }[];
      };
      return { id: answer.rows[0]?.id ?? '', session: answer.rows[0]?.session ?? '' };
    }, picture.of);
    path = path.replace('SESSION', found.session).replace('ID', found.id);
  }
  await goTo(visit, stage, path);
  if (picture.name === 'policies') await page.getByText('Try over history').waitFor();
  await settled(page);
  await page.screenshot({ path: join(FOLDER, `${picture.name}.png`) });
  await visit.context.close();
}

if (NO_BROWSER === undefined) {
  mkdirSync(FOLDER, { recursive: true });
  await withStage(async (stage) => {
    for (const picture of PICTURES) await take(stage, picture);
  });
} else process.stderr.write(`${NO_BROWSER}\n`);
