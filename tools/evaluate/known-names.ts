/**
 * The classes of the two data sets that most published detectors were trained on, in the order of
 * darknet's data/coco.names and data/voc.names.
 */
const coco =
  'person,bicycle,car,motorbike,aeroplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter,' +
  'bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,' +
  'skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,' +
  'cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,sofa,' +
  'pottedplant,bed,diningtable,toilet,tvmonitor,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,' +
  'refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush'
const voc =
  'aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,diningtable,dog,horse,motorbike,person,pottedplant,sheep,' +
  'sofa,train,tvmonitor'

const lists = [
  { dataSet: 'COCO', names: coco.split(',') },
  { dataSet: 'Pascal VOC', names: voc.split(',') },
]

/** The names that a network of so many classes most likely has, where no file tells them. */
export const likelyNames = (classes: number) => lists.find(({ names }) => names.length === classes)
