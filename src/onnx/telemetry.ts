/*
 * ONNX Runtime reports its use to its vendor, with a device id that it keeps in the user's cache folder, unless this is in
 * the environment of the process before the library is loaded. A worker thread has a copy of the environment, so the main
 * thread must import this module too. A value that is set already stays.
 */
process.env.ORT_DISABLE_TELEMETRY ??= '1'
