import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Evaluator } from '../../tools/evaluate/evaluate.js'
import { readDataSet } from '../../tools/evaluate/labels.js'
import { sharedData, skipUnless } from '../helpers/require.js'

interface Reference {
  images: Record<string, { size: [number, number]; detections: ReferenceDetection[] }>
}
interface ReferenceDetection {
  class: number
  name: string
  score: number
  box_xyxy: [number, number, number, number]
}

/** A detector that answers from a file of reference detections. */
function recorded(path: string) {
  const { images }: Reference = JSON.parse(readFileSync(path, 'utf8'))
  return async (file: string) => {
    const { size, detections } = images[`coco128_train/${basename(file)}`]
    return {
      width: size[0],
      height: size[1],
      detections: detections.map(({ class: classId, name, score, box_xyxy }) => {
        const [xmin, ymin, xmax, ymax] = box_xyxy
        return { label: name, classId, score, box: { xmin, ymin, xmax, ymax } }
      }),
    }
  }
}

const voc =
  'aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep sofa train tvmonitor'

/**
 * COCO figures: pycocotools 2.0.11 on the same detections. They lie below the models' own AP50
 * (0.4668, 0.3243, 0.4468) because the recorded detections start at a score of 0.05 and have one
 * class a box.
 */
describe.each([
  {
    name: 'yolov4-tiny-voc-leaky01-refit',
    labels: voc.split(' '),
    classes: 18,
    boxes: 452,
    coco: { ap50: 0.43839171237107194, ap75: 0.18843654152931233, ap: 0.22758432922417696 },
    vocAp50: 0.4379,
  },
  {
    name: 'yolo-fastest-1.1',
    classes: 71,
    boxes: 929,
    coco: { ap50: 0.31190299135102695, ap75: 0.14421553501835355, ap: 0.15968382133580886 },
    vocAp50: 0.3093,
  },
  {
    name: 'yolo-fastest-1.1-xl',
    classes: 71,
    boxes: 929,
    coco: { ap50: 0.4191083063491421, ap75: 0.2269403109860661, ap: 0.22512998062657386 },
    vocAp50: 0.4156,
  },
])('recorded detections of $name', ({ name, labels, classes, boxes, coco, vocAp50 }) => {
  test.for(['coco128_train', 'coco128_train/instances_train2017.json'])('on %s', async (data, context) => {
    const file = sharedData(`reference/${name}_stretch.json`)
    const path = sharedData(data)
    skipUnless(context, file && path, `${data} and reference/${name} of the shared data`)
    const dataSet = await readDataSet(path)
    expect(dataSet.warnings).toEqual([])
    const evaluator = new Evaluator(dataSet, labels ?? dataSet.names)
    const found = await evaluator.run(recorded(file), { protocol: 'coco' })
    expect(found).toMatchObject({
      images: 128,
      boxes,
      ap50: expect.closeTo(coco.ap50, 9),
      ap75: expect.closeTo(coco.ap75, 9),
      ap: expect.closeTo(coco.ap, 9),
    })
    expect(Object.keys(found.perClass)).toHaveLength(classes)
    const byVoc = await evaluator.run(recorded(file), { protocol: 'voc' })
    expect(byVoc.ap50).toBeCloseTo(vocAp50, 4)
  })
})

test('a photo of another size than the labels state is refused', async (context) => {
  const path = sharedData('coco128_train/instances_train2017.json')
  skipUnless(context, path, 'coco128_train of the shared data')
  const dataSet = await readDataSet(path)
  const run = new Evaluator(dataSet, ['person']).run(async () => ({ width: 1, height: 1, detections: [] }))
  await expect(run).rejects.toThrow(expect.objectContaining({ code: 'E_DATA_LABELS' }))
  expect(() => new Evaluator(dataSet, ['unicorn'])).toThrow(expect.objectContaining({ code: 'E_DATA_EMPTY' }))
})

test('classes that the model lacks are counted, whether others fit or not', () => {
  const box = { xmin: 0, ymin: 0, xmax: 1, ymax: 1 }
  const labels = [0, 1, 1, 2].map((classId) => ({ classId, box, crowd: false }))
  const dataSet = {
    names: ['person', 'zebra', 'cat', 'oven'],
    photos: [{ file: 'a.jpg', labels }],
    warnings: [],
  }
  expect([...new Evaluator(dataSet, ['Person', 'cat']).missing]).toEqual([['zebra', 2]])
  expect([...new Evaluator(dataSet, dataSet.names).missing]).toEqual([])
})
