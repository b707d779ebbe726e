"""A network in OpenCV's DNN module, for `ocellus bench`: the counterpart of bench/child.ts, told what to do by the same
lines. Needs python3-opencv and numpy.

    python3 opencv.py job.json       commands on stdin, one a line; answers on file descriptor 3, a JSON object a line
"""

import json
import os
import sys
import time


def main():
    answers = os.fdopen(3, "w", buffering=1)

    def answer(**fields):
        answers.write(json.dumps(fields) + "\n")

    with open(sys.argv[1]) as file:
        job = json.load(file)
    try:
        import cv2
        import numpy as np
    except ImportError as error:
        answer(failed=f"{error}: apt install python3-opencv")
        return
    begin = time.perf_counter()
    cv2.setNumThreads(job["threads"])
    net = cv2.dnn.readNetFromONNX(job["model"])
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
    values = np.fromfile(job["input"]["file"], np.float32).reshape(job["input"]["shape"])
    names = [output["name"] for output in job["outputs"]]
    load = time.perf_counter() - begin

    def run():
        start = time.perf_counter()
        net.setInput(values)
        outputs = net.forward(names)
        return outputs, (time.perf_counter() - start) * 1000

    outputs, first = run()
    answer(
        version=cv2.__version__,
        build=f"native {os.uname().machine}",
        loadMs=load * 1000,
        firstMs=first,
        at=time.time() * 1000,
    )
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "run":
            outputs, ms = run()
            answer(ms=ms)
        elif word == "steady":
            count, begin = 0, time.perf_counter()
            while time.perf_counter() - begin < float(rest[0]) or count < 3:
                run()
                count += 1
            answer(runs=count, ms=(time.perf_counter() - begin) * 1000)
        elif word == "outputs":
            for name, output, file in zip(names, outputs, rest):
                last = np.moveaxis(output, 1, -1) if output.ndim == 4 else output
                np.ascontiguousarray(last, np.float32).tofile(file)
            answer(written=len(rest))
        elif word == "stop":
            answer(peakMiB=peak())
            return


def peak():
    """Most memory this process held; ru_maxrss would count its parent's too."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        return None


main()
