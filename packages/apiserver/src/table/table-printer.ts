import type { Clock, KubernetesObject } from '@keelson/core';
import { Pod } from '@keelson/core';
import type { PrinterColumn, ServedResource } from '../registry/contract.ts';
import type { Cell, KindCells, Row } from './cells.ts';
import { clusterCells } from './cluster-cells.ts';
import { age } from './human-duration.ts';
import { networkCells } from './network-cells.ts';
import { otherCells } from './other-cells.ts';
import { pathCell } from './path-cell.ts';
import { podConditions } from './pod-cells.ts';
import { storageCells } from './storage-cells.ts';
import { workloadCells } from './workload-cells.ts';

/** `meta.k8s.io/v1` TableColumnDefinition. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

const nameColumn: PrinterColumn = { name: 'Name', type: 'string', format: 'name', priority: 0 };
const ageColumn: PrinterColumn = { name: 'Age', type: 'date', priority: 0, path: '.metadata.creationTimestamp' };

const isPod = (object: KubernetesObject): object is Pod => object.kind === Pod.kind;

/** Prints objects as rows of a Table, with the columns and cells that kubectl shows for Kubernetes. */
export class TablePrinter {
  readonly #clock: Clock;
  readonly #kinds: ReadonlyMap<string, KindCells>;

  constructor(clock: Clock) {
    this.#clock = clock;
    const all = [...workloadCells, ...networkCells, ...clusterCells, ...storageCells, ...otherCells];
    this.#kinds = new Map(all.map((each) => [each.key, each]));
  }

  columns(resource: ServedResource): readonly TableColumn[] {
    return columnsOf(resource).map(({ name, type, format, priority }) => ({
      name,
      type,
      format: format ?? '',
      description: '',
      priority,
    }));
  }

  /** Kubernetes says null for the rows of an empty list of a kind that has no columns of its own. */
  sparse({ columns, custom }: ServedResource): boolean {
    return !custom && columns.some(({ name }) => name === 'Created At');
  }

  rows(resource: ServedResource, objects: readonly KubernetesObject[]): readonly Row[] {
    const now = this.#clock.now();
    const columns = columnsOf(resource);
    const kind = resource.custom ? undefined : this.#kinds.get(`${resource.group}/${resource.resource}`);
    return objects.map((object) => {
      // Bookmarks come here too: objects without anything but a version.
      const known = kind?.cells(object, now);
      const fits = known && known.length >= columns.length ? known : undefined;
      const cells = fits ?? columns.map((column) => genericCell(column, object, now));
      const conditions = isPod(object) ? podConditions(object) : undefined;
      return { cells, ...(conditions && { conditions }) };
    });
  }
}

function columnsOf(resource: ServedResource): readonly PrinterColumn[] {
  const { columns, custom } = resource;
  if (!custom) return columns.length > 0 ? columns : [nameColumn, { ...ageColumn, type: 'string' }];
  if (columns.length === 0) return [nameColumn, ageColumn];
  const [first] = columns;
  return first && first.path === undefined && first.name === 'Name' ? columns : [nameColumn, ...columns];
}

function genericCell(column: PrinterColumn, object: KubernetesObject, now: number): Cell {
  if (column.path !== undefined) return pathCell(column.type, column.path, object, now);
  if (column.name === 'Name') return object.metadata.name ?? '';
  if (column.name === 'Age') return age(now, object.metadata.creationTimestamp);
  if (column.name === 'Created At') return object.metadata.creationTimestamp ?? '0001-01-01T00:00:00Z';
  return '';
}
