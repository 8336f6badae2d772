type Step =
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'index'; readonly index: number }
  | { readonly type: 'all' }
  | { readonly type: 'filter'; readonly path: readonly Step[]; readonly operator: string; readonly value: unknown };

const compiled = new Map<string, readonly Step[]>();
const compiledLimit = 4096;

/** What a simplified JSONPath of a CRD's printer column (`.spec.list[?(@.type=="x")].status`) finds in an object. */
export function evaluateJsonPath(path: string, object: unknown): readonly unknown[] {
  let steps = compiled.get(path);
  if (!steps) {
    steps = parse(path);
    if (compiled.size >= compiledLimit) compiled.clear();
    compiled.set(path, steps);
  }
  return walk(steps, object);
}

function walk(steps: readonly Step[], object: unknown): readonly unknown[] {
  let found: readonly unknown[] = [object];
  for (const step of steps) found = found.flatMap((each) => take(step, each));
  return found;
}

function take(step: Step, value: unknown): readonly unknown[] {
  switch (step.type) {
    case 'field': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
      const entry = Object.entries(value).find(([key]) => key === step.name);
      return entry ? [entry[1]] : [];
    }
    case 'index': {
      if (!Array.isArray(value)) return [];
      const list: readonly unknown[] = value;
      const item = list.at(step.index);
      return item === undefined ? [] : [item];
    }
    case 'all':
      return typeof value === 'object' && value !== null ? Object.values(value) : [];
    case 'filter': {
      if (!Array.isArray(value)) return [];
      const list: readonly unknown[] = value;
      return list.filter((each) => {
        const operand = walk(step.path, each);
        if (step.operator === '') return operand.length > 0;
        return operand.some((one) => compare(one, step.operator, step.value));
      });
    }
  }
}

function compare(left: unknown, operator: string, right: unknown): boolean {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left !== 'number' || typeof right !== 'number') return false;
  if (operator === '<') return left < right;
  if (operator === '<=') return left <= right;
  return operator === '>' ? left > right : left >= right;
}

const step =
  /\.?\[\?\(\s*@((?:[^=!<>()'"]|\\.)*?)\s*(?:(==|!=|<=|>=|<|>)\s*('[^']*'|"[^"]*"|[\w.-]+)\s*)?\)\]|\.?\[(-?\d+)\]|\.?\[\*\]|\.?\['([^']*)'\]|\.?\["([^"]*)"\]|\.\*|\.((?:\\.|[^.[\\])+)/gy;

function parse(path: string): readonly Step[] {
  const text = path.replace(/^\{|\}$/g, '').replace(/^\$/, '');
  const source = text.startsWith('.') || text.startsWith('[') || text === '' ? text : `.${text}`;
  const steps: Step[] = [];
  step.lastIndex = 0;
  for (let at = 0; at < source.length; at = step.lastIndex) {
    step.lastIndex = at;
    const found = step.exec(source);
    if (!found) return [{ type: 'field', name: '' }];
    steps.push(stepOf(found));
  }
  return steps;
}

function stepOf([whole, filter, operator, operand, index, single, double, name]: readonly (
  | string
  | undefined
)[]): Step {
  if (whole?.includes('[?')) {
    return { type: 'filter', path: parseInner(filter ?? ''), operator: operator ?? '', value: literal(operand ?? '') };
  }
  if (index !== undefined) return { type: 'index', index: Number(index) };
  const field = single ?? double ?? name;
  return field === undefined ? { type: 'all' } : { type: 'field', name: field.replace(/\\(.)/g, '$1') };
}

/** Paths in filters are simple chains of fields. */
function parseInner(text: string): readonly Step[] {
  const names = text.match(/(?:\\.|[^.\\])+/g) ?? [];
  return names.map((name) => ({ type: 'field', name: name.replace(/\\(.)/g, '$1') }));
}

function literal(text: string): unknown {
  if (/^['"]/.test(text)) return text.slice(1, -1);
  if (text === 'true' || text === 'false') return text === 'true';
  return text === '' || Number.isNaN(Number(text)) ? text : Number(text);
}
