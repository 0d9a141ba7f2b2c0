/** A report as one HTML file that needs nothing else, and prints as it looks. */
import { visible } from '../api/visible.ts';
import { contentHash, type ReportModel, type ReportTable } from './model.ts';

const STYLE = `
body { font: 14px/20px system-ui, sans-serif; color: #1b1f24; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 24px; line-height: 30px; margin: 0 } h2 { font-size: 17px; margin: 28px 0 4px }
p { margin: 4px 0 } .muted { color: #56606b } .complete { border-left: 4px solid #0b57d0; padding: 8px 12px; margin: 16px 0 }
dl { display: flex; gap: 32px; margin: 16px 0 } dt { color: #56606b } dd { margin: 0; font-size: 22px; font-variant-numeric: tabular-nums }
table { border-collapse: collapse; width: 100%; font-size: 12px; line-height: 16px } thead { display: table-header-group }
th { text-align: left; border-bottom: 2px solid #1b1f24 } td { border-bottom: 1px solid #d8dee4; overflow-wrap: anywhere }
th, td { padding: 3px 8px 3px 0; vertical-align: top } footer { margin-top: 32px; font-size: 12px; color: #56606b }
@media print { body { margin: 0; max-width: none } tr { break-inside: avoid } }`;

export function reportHtml(model: ReportModel): string {
  const { title, purpose, from, to, query, by, createdAt, watermark, completeness, figures, tables, policies } = model;
  const asked = query === '' ? 'all records' : query;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>${STYLE}</style></head><body><main>
<h1>${escapeHtml(title)}</h1>
<p class="muted">${escapeHtml(purpose)}</p>
<p>${escapeHtml(from)} to ${escapeHtml(to)}, UTC, half open · ${escapeHtml(asked)}</p>
<p class="muted">Made ${escapeHtml(createdAt)} by ${escapeHtml(by)}; store ${escapeHtml(model.store)}, read to arrival ${escapeHtml(watermark)}.</p>
<p class="complete">${escapeHtml(completeness)}</p>
<dl>${figures.map(({ name, value }) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`).join('')}</dl>
${tables.map(tableHtml).join('\n')}
<footer>Policies that judged these records: ${escapeHtml(policies.join(', ') || 'none')}. Content SHA-256
${contentHash(model)}. Wiretrail ${escapeHtml(model.version)}.</footer></main>
</body></html>
`;
}

function tableHtml({ title, note, columns, rows }: ReportTable): string {
  const head = columns.map((column) => `<th scope="col">${escapeHtml(column.title)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`).join('\n');
  return `<h2>${escapeHtml(title)}</h2><p class="muted">${escapeHtml(note)}</p>
<table><thead><tr>${head}</tr></thead><tbody>
${body}
</tbody></table>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
