/** The values of a metric's labels, in the order of their names. */
export type LabelValues = readonly string[];

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

/** A number by labels, as Prometheus reads it (the text exposition format, version 0.0.4). */
export class NumberSeries {
  readonly #description: MetricDescription & { readonly type: 'counter' | 'gauge' };
  readonly #values = new Map<string, { readonly labels: string; value: number }>();

  constructor(description: MetricDescription & { readonly type: 'counter' | 'gauge' }) {
    this.#description = description;
  }

  add(labels: LabelValues, amount = 1): void {
    const key = labels.join('\n');
    const known = this.#values.get(key);
    if (known) known.value += amount;
    else this.#values.set(key, { labels: braced(labelText(this.#description.labels, labels)), value: amount });
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

  constructor(description: MetricDescription & { readonly buckets: readonly number[] }) {
    this.#description = description;
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
    const bounds = [...buckets.map(String), '+Inf'];
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
