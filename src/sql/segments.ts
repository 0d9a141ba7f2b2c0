/**
 * The segments of an expression and the values in them, for `column-values.ts`: which values a wanted column lays claim
 * to. Each value is moved at most once, so that the work grows with the text whatever its brackets are.
 */

/** A row of an INSERT, or its SELECT list: which items are wanted, by place. */
interface Items {
  readonly wanted: readonly boolean[];
  /** Those behind the last place are wanted: what they stand for is not known. */
  readonly rest: boolean;
}

/** Before INSERT's columns a bracket behind one of these is none of them. */
const NO_COLUMNS: ReadonlySet<string> = new Set(['TOP', 'WITH', 'PARTITION']);

interface Level {
  /** Clauses have their meaning here: a statement, or a bracket with a query. */
  readonly isQuery: boolean;
  readonly isCase: boolean;
  /** A list of column names, not of values. */
  readonly isColumns: boolean;
  /** First values of the segment: its own, and those left over by segments inside it. */
  own: number;
  left: number;
  /** A wanted column stands in the segment, or in a segment inside it. */
  isWanted: boolean;
  isTouched: boolean;
  /** It has had more than one segment, and whether any of those was wanted. */
  isSplit: boolean;
  wasWanted: boolean;
  betweens: number;
  /** Items of a list by place, and the place. */
  items: Items | undefined;
  item: number;
  /** Behind INSERT: before its columns, or before its rows. */
  insert: 'none' | 'target' | 'rows';
  columns: boolean[];
  /** One of them is wanted. */
  hasColumn: boolean;
  /** The table takes rows without a list of columns, and holds a wanted one. */
  isTableWanted: boolean;
  /** Rows have been given, so a query behind them (Oracle's INSERT ALL) names what they take. */
  hasRows: boolean;
}

export class Segments {
  private readonly levels: Level[] = [];
  private level: Level;
  /** Tokens of values: of the open segments, and of closed ones inside them. */
  private readonly own: number[] = [];
  private readonly left: number[] = [];
  private readonly found: (token: number) => void;

  constructor(found: (token: number) => void) {
    this.found = found;
    this.level = this.push(true, false, false);
  }

  /** Ends the statement. */
  reset(): void {
    while (this.levels.length > 1) this.close();
    this.end();
    this.own.length = 0;
    this.left.length = 0;
    this.levels.length = 0;
    this.level = this.push(true, false, false);
  }

  /** A bracket opens behind the keyword `before`; a query stands in it, or another bracket. */
  open(isQuery: boolean, isNested: boolean, before: string): void {
    const outer = this.level;
    const { insert } = outer;
    const isColumns = insert === 'target' && !isQuery && !isNested && !NO_COLUMNS.has(before);
    const level = this.push(isQuery, false, isColumns);
    if (isQuery && insert !== 'none') {
      level.insert = 'rows';
      level.columns = outer.columns;
      level.hasColumn = outer.hasColumn;
      level.isTableWanted = outer.isTableWanted;
    } else if (insert === 'rows' && outer.items === undefined && outer.isQuery) {
      level.items = itemsOf(outer);
      this.enterItem();
    }
  }

  /** A bracket closes, or a CASE ends. */
  close(): void {
    if (this.levels.length < 2) return;
    const closed = this.level;
    if (closed.isSplit || closed.items !== undefined) this.end();
    this.levels.pop();
    this.level = this.levels[this.levels.length - 1] as Level;
    const outer = this.level;
    if (closed.isColumns) this.takeColumns(closed, outer);
    else if (closed.items !== undefined && !closed.isQuery) outer.wasWanted ||= closed.wasWanted;
    else {
      const wasWanted = closed.isSplit ? closed.wasWanted : closed.isWanted || closed.isTouched;
      // INSERT INTO (SELECT a, b …) VALUES: the query names the columns.
      if (closed.isQuery && outer.insert === 'target' && wasWanted) outer.isTableWanted = true;
      if (closed.isSplit) outer.isTouched ||= wasWanted;
      else {
        outer.isWanted ||= closed.isWanted;
        outer.isTouched ||= closed.isTouched;
      }
    }
  }

  /** Behind a target there may be several lists, of which one is that of the columns. */
  private takeColumns(closed: Level, outer: Level): void {
    for (let i = 0; i < closed.columns.length; i++) {
      const isWanted = closed.columns[i] === true || outer.columns[i] === true;
      outer.columns[i] = isWanted;
      outer.hasColumn ||= isWanted;
    }
    this.own.length = closed.own;
  }

  comma(): void {
    const { level } = this;
    level.item++;
    if (level.isColumns) return;
    if (level.items !== undefined || level.isQuery) this.end();
    if (level.items !== undefined) this.enterItem();
  }

  /** A value: a literal, a parameter, a variable. */
  value(token: number): void {
    this.own.push(token);
  }

  /** The segment names a wanted column. */
  want(): void {
    this.level.isWanted = true;
  }

  /** The segment has named a wanted column, or a bracket in it without segments of its own. */
  isWanted(): boolean {
    return this.level.isWanted;
  }

  takesColumns(): boolean {
    return this.level.isColumns;
  }

  /** The next column of a list. A qualified one is given part by part; its last part counts. */
  column(isWanted: boolean): void {
    this.level.columns[this.level.item] = isWanted;
  }

  takesTable(): boolean {
    return this.level.insert === 'target';
  }

  tableWanted(): void {
    this.level.isTableWanted = true;
  }

  /** Takes a keyword; false when the word may be a name as well. */
  keyword(word: string, before: string, isCall: boolean): boolean {
    const { level } = this;
    switch (word) {
      case 'CASE':
        if (before !== 'END') this.push(false, true, false);
        return true;
      case 'END':
        if (level.isCase) this.close();
        return true;
      case 'BETWEEN':
        level.betweens++;
        return true;
      case 'AND':
        if (level.betweens > 0) level.betweens--;
        else this.end();
        return true;
      case 'OR':
      case 'XOR':
        this.end();
        return true;
      default:
        return level.isQuery && this.clause(word, before, isCall);
    }
  }

  private clause(word: string, before: string, isCall: boolean): boolean {
    const { level } = this;
    switch (word) {
      case 'SELECT':
        this.end();
        if (level.insert === 'none') return true;
        level.items = level.hasRows ? { wanted: [], rest: level.wasWanted } : itemsOf(level);
        level.item = 0;
        this.enterItem();
        return true;
      case 'INSERT':
      case 'REPLACE':
      case 'MERGE':
        if (isCall && before !== 'THEN') return false;
        this.target();
        level.hasRows = false;
        if (before !== 'THEN') level.isTableWanted = false;
        return true;
      case 'VALUES':
      case 'VALUE':
        if (level.insert === 'none') return false;
        this.end();
        level.insert = 'rows';
        level.hasRows = true;
        level.items = undefined;
        return true;
      case 'INTO':
        if (level.insert === 'rows' && level.hasRows) this.target();
        return true;
      case 'SET':
      case 'ON':
      case 'USING':
        this.end();
        level.items = undefined;
        level.insert = 'none';
        return true;
      case 'FROM':
      case 'WHERE':
      case 'HAVING':
      case 'JOIN':
      case 'THEN':
      case 'RETURNING':
      case 'GROUP':
      case 'ORDER':
      case 'LIMIT':
      case 'OFFSET':
      case 'FETCH':
      case 'UNION':
      case 'EXCEPT':
      case 'INTERSECT':
      case 'MINUS':
        this.end();
        level.items = undefined;
        return true;
      default:
        return false;
    }
  }

  /** Behind INSERT, or another INTO: a table and its columns follow. */
  private target(): void {
    this.end();
    this.level.insert = 'target';
    this.level.columns = [];
    this.level.hasColumn = false;
  }

  private enterItem(): void {
    const { items, item } = this.level;
    if (items === undefined) return;
    if (item < items.wanted.length ? items.wanted[item] === true : items.rest) this.level.isWanted = true;
  }

  /** Ends the segment: what a wanted column claims is found, the rest is left to the levels around. */
  private end(): void {
    const { level, own, left } = this;
    if (level.isWanted) for (let i = level.left; i < left.length; i++) this.found(left[i] as number);
    if (level.isWanted) left.length = level.left;
    if (level.isWanted || level.isTouched) {
      for (let i = level.own; i < own.length; i++) this.found(own[i] as number);
    } else if (this.levels.length > 1) {
      for (let i = level.own; i < own.length; i++) left.push(own[i] as number);
    }
    own.length = level.own;
    if (this.levels.length === 1) left.length = 0;
    // What a segment leaves is for the levels around it, not for the next one beside it.
    level.left = left.length;
    level.wasWanted ||= level.isWanted || level.isTouched;
    level.isWanted = false;
    level.isTouched = false;
    level.isSplit = true;
    level.betweens = 0;
  }

  private push(isQuery: boolean, isCase: boolean, isColumns: boolean): Level {
    const level: Level = {
      isQuery,
      isCase,
      isColumns,
      own: this.own.length,
      left: this.left.length,
      isWanted: false,
      isTouched: false,
      isSplit: false,
      wasWanted: false,
      betweens: 0,
      items: undefined,
      item: 0,
      insert: 'none',
      columns: [],
      hasColumn: false,
      isTableWanted: false,
      hasRows: false,
    };
    this.levels.push(level);
    this.level = level;
    return level;
  }
}

function itemsOf({ columns, hasColumn, isTableWanted }: Level): Items {
  return { wanted: columns, rest: columns.length === 0 ? isTableWanted : hasColumn };
}
