/** The values of a metric's labels, in the order of their names. */
export type LabelValues = readonly string[];

/** The name, help text and labels of a metric. */
export interface MetricDescription {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** The bounds that Kubernetes gives what requests take, in seconds. */
export const secondsBuckets: readonly number[] = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];

const escaped = (text: string) => text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');

/** Between the braces. */
const labelText = (names: readonly string[], values: LabelValues): string =>
  names.map((name, index) => `${name}="${escaped(values[index] ?? '')}"`).join(',');

const braced = (labels: string): string => (labels === '' ? '' : `{${labels}}`);

const head = ({ name, help }: MetricDescription, type: string) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;

/** As Go prints a bound, which is part of the name of the bucket: `1e-08`, where JavaScript says `1e-8`. */
const boundText = (bound: number): string =>
  bound < 1e-4 ? bound.toExponential().replace(/e-(\d)$/, 'e-0$1') : String(bound);

/** Of the labels of a kind, whether it is served still. */
export type IsServed = (kind: {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}) => boolean;

/** So many series are kept at least before it is looked which are of kinds that are gone. */
const fewSeries = 5000;

/** Forgets the series of kinds that are gone, before their number has doubled since it was looked last. */
class Forgetting {
  readonly #places: readonly number[];
  #next = fewSeries;

  constructor(labels: readonly string[]) {
    this.#places = ['group', 'version', 'resource'].map((each) => labels.indexOf(each));
  }

  /** @param keys values of labels, a line each */
  after(keys: Map<string, unknown>, isServed: IsServed): void {
    if (keys.size < this.#next) return;
    for (const key of keys.keys()) {
      const values = key.split('\n');
      const [group = '', version = '', resource = ''] = this.#places.map((at) => values[at] ?? '');
      if (resource !== '' && !isServed({ group, version, resource })) keys.delete(key);
    }
    this.#next = Math.max(fewSeries, keys.size * 2);
  }
}

/** A number by labels, as Prometheus reads it (the text exposition format, version 0.0.4). */
export class NumberSeries {
  readonly #description: MetricDescription & { readonly type: 'counter' | 'gauge' };
  readonly #values = new Map<string, { readonly labels: string; value: number }>();
  readonly #forgetting: Forgetting;
  readonly #isServed: IsServed | undefined;

  /** @param isServed for a counter whose labels name kinds: series of those that are gone are forgotten in time */
  constructor(description: MetricDescription & { readonly type: 'counter' | 'gauge' }, isServed?: IsServed) {
    this.#description = description;
    this.#forgetting = new Forgetting(description.labels);
    this.#isServed = isServed;
  }

  add(labels: LabelValues, amount = 1): void {
    const key = labels.join('\n');
    const known = this.#values.get(key);
    if (known) {
      known.value += amount;
      return;
    }
    if (this.#isServed) this.#forgetting.after(this.#values, this.#isServed);
    this.#values.set(key, { labels: braced(labelText(this.#description.labels, labels)), value: amount });
  }

  /** How many series there are. */
  get size(): number {
    return this.#values.size;
  }

  set(labels: LabelValues, value: number): void {
    this.#values.delete(labels.join('\n'));
    this.add(labels, value);
  }

  /** Forgets all values. */
  clear(): void {
    this.#values.clear();
  }

  text(): string {
    const { name, type } = this.#description;
    let text = head(this.#description, type);
    for (const { labels, value } of this.#values.values()) text += `${name}${labels} ${value}\n`;
    return text;
  }
}

interface Distribution {
  /** As they are printed: a scrape is a hundred thousand lines. */
  readonly labels: string;
  /** How many were in each bucket, not added up; the last is for what was larger than all bounds. */
  readonly counts: number[];
  sum: number;
  count: number;
}

/** A distribution by labels. */
export class HistogramSeries {
  readonly #description: MetricDescription & { readonly buckets: readonly number[] };
  readonly #values = new Map<string, Distribution>();
  readonly #forgetting: Forgetting;
  readonly #isServed: IsServed | undefined;

  /** @param isServed as of `NumberSeries` */
  constructor(description: MetricDescription & { readonly buckets: readonly number[] }, isServed?: IsServed) {
    this.#description = description;
    this.#forgetting = new Forgetting(description.labels);
    this.#isServed = isServed;
  }

  /** How many distributions there are. */
  get size(): number {
    return this.#values.size;
  }

  observe(labels: LabelValues, value: number): void {
    const key = labels.join('\n');
    this.#put(this.#values.get(key) ?? this.#add(key, labels), value);
  }

  /** Observes always under the same labels, which are then looked up only once. */
  of(labels: LabelValues): (value: number) => void {
    const key = labels.join('\n');
    let known = this.#values.get(key);
    return (value) => {
      // No line before the first observation.
      known ??= this.#values.get(key) ?? this.#add(key, labels);
      this.#put(known, value);
    };
  }

  #add(key: string, labels: LabelValues): Distribution {
    const { buckets, labels: names } = this.#description;
    if (this.#isServed) this.#forgetting.after(this.#values, this.#isServed);
    const made = { labels: labelText(names, labels), counts: new Array(buckets.length + 1).fill(0), sum: 0, count: 0 };
    this.#values.set(key, made);
    return made;
  }

  #put(known: Distribution, value: number): void {
    const { buckets } = this.#description;
    let at = 0;
    while (at < buckets.length && value > (buckets[at] ?? 0)) at++;
    known.counts[at] = (known.counts[at] ?? 0) + 1;
    known.sum += value;
    known.count++;
  }

  text(): string {
    const { name, buckets } = this.#description;
    const bounds = [...buckets.map(boundText), '+Inf'];
    let text = head(this.#description, 'histogram');
    for (const { labels, counts, sum, count } of this.#values.values()) {
      const bucket = `${name}_bucket{${labels}${labels === '' ? '' : ','}le="`;
      let below = 0;
      for (const [index, bound] of bounds.entries()) {
        below += counts[index] ?? 0;
        text += `${bucket}${bound}"} ${below}\n`;
      }
      const own = braced(labels);
      text += `${name}_sum${own} ${sum}\n${name}_count${own} ${count}\n`;
    }
    return text;
  }
}
