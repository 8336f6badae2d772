import type { Macro } from './macro.ts';

export const macroKey = (name: string, args: number, member: boolean): string => `${name}:${args}:${member ? 'm' : ''}`;

const tables = new WeakMap<readonly Macro[], ReadonlyMap<string, Macro>>();

/** Macros by their keys, made once for a list. */
export function macroTable(macros: readonly Macro[]): ReadonlyMap<string, Macro> {
  let table = tables.get(macros);
  if (!table) {
    table = new Map(macros.map((each) => [macroKey(each.name, each.argCount, each.member), each]));
    tables.set(macros, table);
  }
  return table;
}
