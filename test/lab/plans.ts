/**
 * How many rows a statement gave or changed by PostgreSQL's own account: the plans that auto_explain logs when they end,
 * with the rows that really passed each node (manual, "auto_explain", "EXPLAIN", format JSON).
 */

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Parent Relationship'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly Plans?: readonly PlanNode[];
  readonly [key: string]: unknown;
}

export interface LoggedPlan {
  /** The whole message that the statement came in. */
  readonly text: string;
  /** What the statement's command tag says. */
  readonly processed: number;
}

const PLAN_PATTERN = /^duration: [0-9.]+ ms {2}plan:\s*/;
/** What ON CONFLICT and MERGE count by themselves. */
const TUPLE_COUNTS: readonly string[] = ['Tuples Inserted', 'Tuples Updated', 'Tuples Deleted'];

/** `message` of a csvlog row; `undefined` when it is no plan. */
export function readPlan(message: string): LoggedPlan | undefined {
  const start = PLAN_PATTERN.exec(message)?.[0].length;
  if (start === undefined) return undefined;
  const logged = JSON.parse(message.slice(start)) as { 'Query Text': string; Plan: PlanNode };
  return { text: logged['Query Text'], processed: processedBy(logged.Plan) };
}

function processedBy(plan: PlanNode): number {
  // With RETURNING a change gives what it changed.
  if (plan['Node Type'] !== 'ModifyTable' || rowsOf(plan) > 0) return rowsOf(plan);
  const keys = plan['Conflict Resolution'] === 'UPDATE' ? [...TUPLE_COUNTS, 'Conflicting Tuples'] : TUPLE_COUNTS;
  const counted = keys.filter((key) => typeof plan[key] === 'number');
  if (counted.length > 0) return counted.reduce((sum, key) => sum + Number(plan[key]), 0);
  // Else what it was given is what it changed.
  const sources = (plan.Plans ?? []).filter((child) => child['Parent Relationship'] === 'Outer');
  return sources.reduce((sum, child) => sum + rowsOf(child), 0);
}

/** Rows are an average over the loops. */
function rowsOf(plan: PlanNode): number {
  return Math.round((plan['Actual Rows'] ?? 0) * (plan['Actual Loops'] ?? 0));
}
