export { milliValue, quantityValue as wholeValue } from '@keelson/core/machinery';
