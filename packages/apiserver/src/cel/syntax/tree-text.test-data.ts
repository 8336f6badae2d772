import { doubleText } from '../standard/numbers.ts';
import { CelUint } from '../value.ts';
import type { Expression, LiteralExpression } from './expression.ts';

/** A tree as cel-go prints it for debugging; `mark` is what stands behind each node. */
export function treeText(node: Expression, mark: (node: Expression | 'entry') => string): string {
  const lines = (items: readonly string[], open: string, close: string): string =>
    items.length === 0 ? open + close : `${open}\n${items.map((each) => indent(each)).join(',\n')}\n${close}`;
  const show = (each: Expression): string => own(each) + mark(each);
  const own = (each: Expression): string => {
    switch (each.kind) {
      case 'literal':
        return literalText(each);
      case 'identifier':
        return each.name;
      case 'select':
        return `${show(each.operand)}.${each.field}${each.test ? '~test-only~' : ''}`;
      case 'call': {
        const args = lines(each.args.map(show), '(', ')');
        return each.target ? `${show(each.target)}.${each.function}${args}` : each.function + args;
      }
      case 'list':
        return lines(
          each.elements.map((item, index) => (each.optional.has(index) ? '?' : '') + show(item)),
          '[',
          ']',
        );
      case 'map':
        return lines(
          each.entries.map(
            (entry) => `${entry.optional ? '?' : ''}${show(entry.key)}:${show(entry.value)}${mark('entry')}`,
          ),
          '{',
          '}',
        );
      case 'struct':
        return (
          each.name +
          lines(
            each.entries.map(
              (entry) => `${entry.optional ? '?' : ''}${entry.field}:${show(entry.value)}${mark('entry')}`,
            ),
            '{',
            '}',
          )
        );
      case 'comprehension':
        return `__comprehension__(\n${[
          ['Variable', each.secondIterator === undefined ? each.iterator : `${each.iterator},\n${each.secondIterator}`],
          ['Target', show(each.range)],
          ['Accumulator', each.accumulator],
          ['Init', show(each.init)],
          ['LoopCondition', show(each.condition)],
          ['LoopStep', show(each.step)],
          ['Result', show(each.result)],
        ]
          .map(([name, text]) => indent(`// ${name}\n${text}`))
          .join(',\n')})`;
    }
  };
  return show(node);
}

const indent = (text: string): string =>
  text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');

function literalText({ value }: LiteralExpression): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof CelUint) return `${value.value}u`;
  if (value instanceof Uint8Array) return `b${JSON.stringify(Buffer.from(value).toString())}`;
  if (typeof value === 'number') return doubleText(value);
  return String(value);
}

const kinds: Readonly<Record<Exclude<Expression['kind'], 'literal'>, string>> = {
  identifier: 'IdentExpr',
  select: 'SelectExpr',
  call: 'CallExpr',
  list: 'ListExpr',
  map: 'StructExpr',
  struct: 'StructExpr',
  comprehension: 'ComprehensionExpr',
};

/** The mark of the specification's vectors: what message a node is. */
export function kindMark(node: Expression | 'entry'): string {
  if (node === 'entry') return '^#*expr.Expr_CreateStruct_Entry#';
  if (node.kind !== 'literal') return `^#*expr.Expr_${kinds[node.kind]}#`;
  return `^#*expr.Constant_${literalKind(node)}Value#`;
}

function literalKind({ value }: LiteralExpression): string {
  if (value === null) return 'Null';
  if (typeof value === 'bigint') return 'Int64';
  if (typeof value === 'boolean') return 'Bool';
  if (typeof value === 'number') return 'Double';
  if (typeof value === 'string') return 'String';
  return value instanceof CelUint ? 'Uint64' : 'Bytes';
}
