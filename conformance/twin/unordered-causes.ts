import { isObject, type Json } from './json.ts';

/** Findings that the real server comes upon by walking a map, in an order that changes from answer to answer. */
const byChance: readonly { readonly field: RegExp; readonly message?: RegExp }[] = [
  { field: /^spec\.limits\[\d+\]\.\w+\[/ },
  { field: /\.resources\.requests(\[[^\]]*\])?$/ },
  { field: /\.resources\.limits(\[[^\]]*\])?$/ },
  { field: /^spec\.(template\.spec\.)?resources\.containers\[\d+\]\[/ },
  { field: /^spec\.metrics\[\d+\]\.\w+$/, message: /must populate the given metric source only$/ },
  { field: /(^|\.)([lL]abels|matchLabels|annotations|nodeSelector)$/ },
  { field: /^spec\.(validation|versions\[\d+\]\.schema)\.openAPIV3Schema\b.*\.properties\[/ },
];

/** The same of custom resources: all that their schema says of them. */
const byChanceOfCustom: typeof byChance = [
  { field: /^metadata\.(labels|annotations)$/ },
  { field: /^(?!metadata\b|kind$|apiVersion$)/ },
];

/** Groups of the types that cases make. */
const custom = /\.example\.com$/;

const chanceOf = (cause: Json, chances: typeof byChance) =>
  isObject(cause)
    ? chances.findIndex(
        ({ field, message }) =>
          field.test(String(cause['field'] ?? '')) && (message?.test(String(cause['message'] ?? '')) ?? true),
      )
    : -1;

/** The same findings of an object of a group, and those next to each other whose order is chance in one order. */
export function inSteadyOrder(causes: readonly Json[], group: Json = ''): Json[] {
  const chances = custom.test(String(group)) ? byChanceOfCustom : byChance;
  const result: Json[] = [];
  for (let from = 0; from < causes.length; ) {
    const first = causes[from] ?? null;
    const chance = chanceOf(first, chances);
    let to = from + 1;
    while (chance >= 0 && to < causes.length && chanceOf(causes[to] ?? null, chances) === chance) to++;
    const run = causes.slice(from, to);
    result.push(
      ...(run.length > 1
        ? run
            .map((each) => JSON.stringify(each))
            .sort()
            .map(parsed)
        : run),
    );
    from = to;
  }
  return result;
}

const parsed = (text: string) => JSON.parse(text) as Json;

/** What breaks a LimitRange, or a type's schema, is found by walking maps, too: its message with what it lists in one order. */
export function inSteadyWords(message: Json): Json {
  const [, told, lines] = /^(.*?\berrors:\n {2})(.*)$/s.exec(String(message)) ?? [];
  if (told !== undefined && lines !== undefined) return told + lines.split('\n  ').sort().join('\n  ');
  const [, before, list] = /^(.* is forbidden: \[)(.* per .*)\]$/s.exec(String(message)) ?? [];
  if (before === undefined || list === undefined) return message;
  const parts = list.split(/, (?=(?:maximum|minimum|\S+ max) )/);
  return `${before}${parts.sort().join(', ')}]`;
}

/** What the real server comes upon by walking a map of a type's schema: formats, and what may stay though it is wrong. */
const warnedByChance = /^299 - "(unrecognized format |\S+: (Invalid|Required|Unsupported|Duplicate|Forbidden|Too) )/;

/** Warnings with those that come in an order by chance, next to each other, in one order. */
export function inSteadyWarnings(warnings: readonly string[]): string[] {
  const result: string[] = [];
  for (let from = 0; from < warnings.length; ) {
    let to = from;
    while (to < warnings.length && warnedByChance.test(warnings[to] ?? '')) to++;
    result.push(...warnings.slice(from, to).sort());
    if (to === from) result.push(warnings[to++] ?? '');
    from = to;
  }
  return result;
}
