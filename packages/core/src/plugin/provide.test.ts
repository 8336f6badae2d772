import { expect, it } from 'vitest';
import { z } from 'zod';
import { all, definePlugin, optional, type Provide, token, tokenList } from './index.ts';

interface Engine {
  readonly power: number;
}
interface Radio {
  readonly station: string;
}
class Car {
  readonly engine: Engine;
  readonly radio: Radio | undefined;
  readonly wheels: readonly number[];
  constructor(engine: Engine, radio: Radio | undefined, wheels: readonly number[]) {
    this.engine = engine;
    this.radio = radio;
    this.wheels = wheels;
  }
  drive(): string {
    return 'brumm';
  }
}
const Engines = token<Engine>('Engine');
const Radios = token<Radio>('Radio');
const Wheels = tokenList<number>('Wheels');
const Cars = token<Car>('Car');

/** Never called: the compiler is the test, and each `@ts-expect-error` fails the type check if the mistake is accepted. */
function mistakes(provide: Provide): void {
  provide(Cars, Car, [Engines, optional(Radios), all(Wheels)]);
  provide.factory(Cars, (engine: Engine, wheels: readonly number[]) => new Car(engine, undefined, wheels), [
    Engines,
    all(Wheels),
  ]);
  provide.value(Engines, { power: 3 });

  // @ts-expect-error a dependency is missing
  provide(Cars, Car, [Engines, optional(Radios)]);
  // @ts-expect-error two dependencies have changed places
  provide(Cars, Car, [optional(Radios), Engines, all(Wheels)]);
  // @ts-expect-error a dependency of another type
  provide(Cars, Car, [Radios, optional(Radios), all(Wheels)]);
  // @ts-expect-error an optional dependency where one is required
  provide(Cars, Car, [optional(Engines), optional(Radios), all(Wheels)]);
  // @ts-expect-error one value where a list is required
  provide(Cars, Car, [Engines, optional(Radios), Wheels]);
  // @ts-expect-error a class that does not make what the token stands for
  provide(Cars, Date, []);
  // @ts-expect-error a value of another type
  provide.value(Engines, { station: 'x' });
  // @ts-expect-error a factory whose parameter is another type
  provide.factory(Cars, (engine: Radio) => new Car({ power: 1 }, engine, []), [Engines]);
}

it('accepts only dependencies that fit: see the compiler', () => {
  expect(typeof mistakes).toBe('function');
});

it('gives a plugin the options that its schema parses', () => {
  const plugin = definePlugin({
    name: 'x',
    options: z.object({ size: z.number() }),
    register({ options }) {
      // @ts-expect-error it is a number
      options.size satisfies string;
    },
  });
  expect(plugin.name).toBe('x');
});

it('knows a token by its name, also when two copies of the SDK are installed', () => {
  expect(token('Engine').id).toBe(Engines.id);
  expect(Wheels.many).toBe(true);
});
