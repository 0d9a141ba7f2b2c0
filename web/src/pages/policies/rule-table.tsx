/** Rules in words: what each looks for and why, with the statements it matched. */
import type { JSX } from 'preact';
import type { RuleInfo } from '#src/console/api/policies.js';
import { term } from '../../base/terms.ts';
import { linkTo } from '../../base/url.ts';
import { SeverityBadge } from '../../ui/badge.tsx';

export function RuleTable({ rules }: { readonly rules: readonly RuleInfo[] }): JSX.Element {
  return (
    <ul class="rules">
      {rules.map((rule) => (
        <li key={rule.id} class={`match edge-${rule.severity}`}>
          <div class="split">
            <b>{rule.title === '' ? rule.id : rule.title}</b>
            <span class="line">
              <span class="tag">{rule.action}</span>
              {rule.mode !== 'enforce' && rule.mode !== '' && <span class="tag">{rule.mode}</span>}
              <SeverityBadge severity={rule.severity} />
            </span>
          </div>
          {rule.reason !== '' && <p>{rule.reason}</p>}
          <p class="small muted">
            <a href={linkTo('/search', { q: term('rule', rule.id) })}>{rule.id}</a> · {rule.file}:{rule.line}
            {rule.tags.length > 0 && ` · ${rule.tags.join(', ')}`}
            {rule.references.length > 0 && ` · ${rule.references.join(', ')}`}
          </p>
        </li>
      ))}
    </ul>
  );
}
