/** A ranking: name, how it went, share of all, count. The name narrows the page, the count leads to the statements. */
import type { JSX } from 'preact';
import type { TopItem } from '#src/console/api/overview.js';
import { formatCount, formatShare, formatShort } from '../base/format.ts';
import { term, withTerm } from '../base/terms.ts';
import { linkTo, patched, place, segment } from '../base/url.ts';
import { Meter } from './badge.tsx';
import { Spark } from './spark.tsx';

export function TopList(props: {
  readonly title: string;
  readonly field: string;
  readonly items: readonly TopItem[];
  /** Path of the page of one of them: `/users/`. */
  readonly page?: string;
}): JSX.Element {
  const q = place.value.params.get('q') ?? '';
  return (
    <section class="panel">
      <h2>{props.title}</h2>
      {props.items.length === 0 && <p class="muted">none in this range</p>}
      <ul class="top-list">
        {props.items.map((item) => (
          <li key={item.value}>
            <span class="top-name clip">
              {item.value === '' ? (
                <span class="muted">not known</span>
              ) : (
                <a
                  href={patched({ q: withTerm(q, term(props.field, item.value)), id: undefined })}
                  title={`${item.value}: narrow this page`}
                >
                  {item.value}
                </a>
              )}
            </span>
            <a
              class="num strong"
              href={linkTo('/search', { q: withTerm(q, term(props.field, item.value)) })}
              title={`${formatCount(item.count)} records, ${formatCount(item.errors)} failed: see them`}
            >
              {formatShort(item.count)}
            </a>
            {props.page === undefined || item.value === '' ? (
              <span />
            ) : (
              <a
                class="top-page"
                href={linkTo(`${props.page}${segment(item.value)}`)}
                aria-label={`Page of ${item.value}`}
                title={`Page of ${item.value}`}
              >
                ›
              </a>
            )}
            <span class="top-share">
              <Spark values={item.trend} />
              <Meter share={item.share} />
              <span class="small muted num">{formatShare(item.share, 1)}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
