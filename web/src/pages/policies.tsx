/** Policies: what is in force and what was, the rules in words, and a workshop: edit, validate, try over history, push. */
import type { JSX } from 'preact';
import type { Policies as PoliciesData, PolicyView } from '#src/console/api/policies.js';
import { type Answer, useAnswer } from '../base/answer.ts';
import { formatCount, formatMoment } from '../base/format.ts';
import { zone } from '../base/scope.ts';
import { may } from '../base/session.ts';
import { patched, place, segment, setParams } from '../base/url.ts';
import { Answered, Empty } from '../ui/states.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { PolicyDiffView } from './policies/diff.tsx';
import { RuleTable } from './policies/rule-table.tsx';
import { Workshop } from './policies/workshop.tsx';

type Tab = 'rules' | 'edit' | 'diff';

export default function Policies(): JSX.Element {
  const answer = useAnswer<PoliciesData>('/policies');
  return <Answered answer={answer}>{(data) => <PolicyPage data={data} answer={answer} />}</Answered>;
}

function PolicyPage({
  data,
  answer,
}: {
  readonly data: PoliciesData;
  readonly answer: Answer<PoliciesData>;
}): JSX.Element {
  const { params } = place.value;
  const draft = params.get('draft') ?? undefined;
  const version =
    params.get('version') ?? (draft === undefined ? (data.current ?? data.versions[0]?.version) : undefined);
  if (version === undefined && draft === undefined) {
    return (
      <Empty title="No policy has judged records of this store">
        <p>Replay or record with policies, and every version that judged something is kept here.</p>
      </Empty>
    );
  }
  return (
    <div class="policy-page">
      <PolicyList data={data} version={version} draft={draft} />
      <PolicyBody key={`${version} ${draft}`} data={data} version={version} draft={draft} onSaved={answer.reload} />
    </div>
  );
}

function PolicyList(props: {
  readonly data: PoliciesData;
  readonly version: string | undefined;
  readonly draft: string | undefined;
}): JSX.Element {
  const { data } = props;
  return (
    <nav class="stack tight" aria-label="Versions and drafts">
      <h2>Versions</h2>
      <ul class="side-list">
        {data.versions.map((one) => (
          <li key={one.version}>
            <a
              href={patched({ version: one.version, draft: undefined })}
              aria-current={one.version === props.version ? 'true' : undefined}
            >
              <code>{one.version}</code>
              {one.inForce && <span class="tag new">in force</span>}
              <span class="small muted">
                {formatMoment(Date.parse(one.savedAt), zone(), 'minute')}, {formatCount(one.rules)} rules
              </span>
            </a>
          </li>
        ))}
      </ul>
      {data.drafts.length > 0 && <h2>Drafts</h2>}
      <ul class="side-list">
        {data.drafts.map((one) => (
          <li key={one.name}>
            <a
              href={patched({ draft: one.name, version: undefined })}
              aria-current={one.name === props.draft ? 'true' : undefined}
            >
              <b>{one.name}</b>
              <span class="small muted">
                {one.by}, {formatMoment(Date.parse(one.savedAt), zone(), 'minute')}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function PolicyBody(props: {
  readonly data: PoliciesData;
  readonly version: string | undefined;
  readonly draft: string | undefined;
  readonly onSaved: () => void;
}): JSX.Element {
  const { version, draft } = props;
  const path =
    draft === undefined ? `/policies/versions/${segment(version ?? '')}` : `/policies/drafts/${segment(draft)}`;
  const answer = useAnswer<PolicyView>(path);
  const chosen = place.value.params.get('tab');
  const tabs: { id: Tab; text: string }[] = [
    { id: 'rules', text: 'Rules' },
    { id: 'edit', text: may('auditor') ? 'Edit and try' : 'Source' },
    { id: 'diff', text: 'Differences' },
  ];
  const tab = tabs.find((one) => one.id === chosen)?.id ?? 'rules';
  return (
    <div class="grow">
      <Tabs
        label="Policy"
        tabs={tabs}
        chosen={tab}
        onChoose={(id) => setParams({ tab: id === 'rules' ? undefined : id })}
      />
      <Answered answer={answer}>
        {(view) => (
          <>
            {tab === 'rules' && <RuleTable rules={view.rules} />}
            {tab === 'edit' && <Workshop view={view} version={version} onSaved={props.onSaved} />}
            {tab === 'diff' && (
              <PolicyDiffView data={props.data} subject={draft === undefined ? (version ?? '') : `draft:${draft}`} />
            )}
          </>
        )}
      </Answered>
    </div>
  );
}
