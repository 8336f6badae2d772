import type { CelLibrary } from '../contract.ts';
import { bindMacro } from '../syntax/standard-macros.ts';

/** `cel.bind(name, value, expression)`, as cel-go's extension of that name has it. Of Kubernetes only selectors of devices have it. */
export const bindLibrary: CelLibrary = { name: 'bindings', macros: [bindMacro] };
