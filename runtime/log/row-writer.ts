// Writes rows: one prepared statement a table, made from the table of its columns.
// Machines and models are found again by content, so that a restart adds none.
import type { Database, Statement } from 'better-sqlite3';
import {
  type Columns,
  isoTime,
  MACHINE_COLUMNS,
  MEASUREMENT_COLUMNS,
  MODEL_COLUMNS,
  REQUEST_COLUMNS,
  RUN_COLUMNS,
  RUN_END_COLUMNS,
  SAMPLE_COLUMNS,
  type SqlValue,
} from './columns.js';
import type { MeasurementRow } from './measurement-fields.js';
import type { MachineRow, ModelRow, RequestRow, RunEnd, RunRow, SampleRow } from './rows.js';

export class RowWriter {
  readonly #db: Database;
  readonly run: Insert<RunRow>;
  readonly request: Insert<RequestRow>;
  readonly sample: Insert<SampleRow>;

  constructor(db: Database) {
    this.#db = db;
    this.run = insertInto(db, 'run', RUN_COLUMNS);
    this.request = insertInto(db, 'request', REQUEST_COLUMNS);
    this.sample = insertInto(db, 'sample', SAMPLE_COLUMNS);
  }

  machine(row: MachineRow): number {
    return this.#alone(() => {
      const names = Object.keys(MACHINE_COLUMNS);
      const same = names.map((name) => `${name} IS @${name}`).join(' AND ');
      const find = this.#db.prepare(`SELECT id FROM machine WHERE ${same}`).pluck();
      const columns = { ...MACHINE_COLUMNS, first_seen_at: () => isoTime(Date.now()) };
      const id = find.get(values(MACHINE_COLUMNS, row)) as number | undefined;
      return id ?? insertInto(this.#db, 'machine', columns)(row);
    });
  }

  model(row: ModelRow): number {
    return this.#alone(() => {
      const id = this.#findModel(row);
      if (id === undefined) return insertInto(this.#db, 'model', MODEL_COLUMNS)(row);
      update(this.#db, 'model', MODEL_COLUMNS, { id, row });
      return id;
    });
  }

  /** Names the file of a model by content. Returns the id of the model that it turns out to be. */
  identifyModel(id: number, sha256: string): number {
    return this.#alone(() => {
      const known = this.#modelWithHash(sha256);
      if (known === undefined || known === id) {
        this.#db.prepare('UPDATE model SET sha256 = ? WHERE id = ?').run(sha256, id);
        return id;
      }
      this.#db.prepare('UPDATE run SET model_id = ? WHERE model_id = ?').run(known, id);
      this.#db.prepare('DELETE FROM model WHERE id = ?').run(id);
      return known;
    });
  }

  runEnd(id: number, row: RunEnd): void {
    update(this.#db, 'run', RUN_END_COLUMNS, { id, row });
  }

  /** Leaves a row that is there already as it is. */
  measurement(row: MeasurementRow, runId: number | null): void {
    const columns = { ...MEASUREMENT_COLUMNS, run_id: () => runId };
    insertInto(this.#db, 'measurement', columns, 'ON CONFLICT (uid) DO NOTHING')(row);
  }

  /** Looks and writes under one lock, or two programs that start together both add what neither found. */
  #alone<T>(use: () => T): T {
    return this.#db.transaction(use).immediate();
  }

  /** By content where that is known, else the same unchanged file still without a hash. */
  #findModel({ sha256, path, sizeBytes, modifiedAtMs }: ModelRow): number | undefined {
    if (sha256 !== null) return this.#modelWithHash(sha256);
    return this.#db
      .prepare(
        'SELECT id FROM model WHERE sha256 IS NULL AND path = ? AND size_bytes = ? AND modified_at = ?',
      )
      .pluck()
      .get(path, sizeBytes, isoTime(modifiedAtMs)) as number | undefined;
  }

  #modelWithHash(sha256: string): number | undefined {
    const find = this.#db.prepare('SELECT id FROM model WHERE sha256 = ?').pluck();
    return find.get(sha256) as number | undefined;
  }
}

type Insert<Row> = (row: Row) => number;

function insertInto<Row>(
  db: Database,
  table: string,
  columns: Columns<Row>,
  onConflict = '',
): Insert<Row> {
  const names = Object.keys(columns);
  const statement: Statement = db.prepare(
    `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((name) => `@${name}`).join(', ')}) ${onConflict}`,
  );
  return (row) => Number(statement.run(values(columns, row)).lastInsertRowid);
}

function update<Row>(
  db: Database,
  table: string,
  columns: Columns<Row>,
  { id, row }: { id: number; row: Row },
): void {
  const set = Object.keys(columns).map((name) => `${name} = @${name}`);
  const statement = db.prepare(`UPDATE ${table} SET ${set.join(', ')} WHERE id = @id`);
  statement.run({ ...values(columns, row), id });
}

function values<Row>(columns: Columns<Row>, row: Row): Record<string, SqlValue> {
  return Object.fromEntries(Object.entries(columns).map(([name, read]) => [name, read(row)]));
}
