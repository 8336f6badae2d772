import { noSuchOverload } from '../library/equality.ts';
import { CelError, CelOptional, type CelValue } from '../value.ts';
import type { Frame, Run } from './frame.ts';

/** `a && b` with `decisive` false, `a || b` with true: an error counts only where the other side does not decide. */
export function logical(left: Run, right: Run, decisive: boolean): Run {
  const onError = (frame: Frame, failure: CelError): CelValue => {
    try {
      if (right(frame) === decisive) return decisive;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
    }
    throw failure;
  };
  return (frame) => {
    let first: CelValue;
    try {
      first = left(frame);
    } catch (error) {
      if (error instanceof CelError) return onError(frame, error);
      throw error;
    }
    if (first === decisive) return decisive;
    if (first !== !decisive) return onError(frame, noSuchOverload());
    const second = right(frame);
    if (typeof second !== 'boolean') throw noSuchOverload();
    return second;
  };
}

/** `c ? a : b` */
export function conditional(condition: Run, yes: Run, no: Run): Run {
  return (frame) => {
    const value = condition(frame);
    if (value === true) return yes(frame);
    if (value === false) return no(frame);
    throw noSuchOverload();
  };
}

/** What lets a fold go on: anything but false, errors too. */
export function notStrictlyFalse(operand: Run): Run {
  return (frame) => {
    let goesOn = true;
    try {
      goesOn = operand(frame) !== false;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
    }
    frame.cost += 1;
    return goesOn;
  };
}

/** `a.or(b)` and `a.orValue(b)`: what is no optional stands for itself. */
export function orElse(left: Run, right: Run, unwrap: boolean): Run {
  return (frame) => {
    const value = left(frame);
    if (!(value instanceof CelOptional)) return value;
    if (value.value === undefined) return right(frame);
    return unwrap ? value.value : value;
  };
}
