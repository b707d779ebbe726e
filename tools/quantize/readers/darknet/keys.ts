/**
 * Keys that darknet reads, or that circulate in its configurations, and that leave the network's
 * output as it is: training, logging, memory. Their values are not looked at. A key that is neither
 * here nor read by a layer is refused, because it might change the result.
 */
const words = (text: string): readonly string[] => text.trim().split(/\s+/)

export const netTraining = words(`
  batch subdivisions sequential_subdivisions time_steps max_batches max_epochs seen learning_rate
  learning_rate_min sgdr_cycle sgdr_mult momentum decay policy steps scales seq_scales step scale gamma
  power burn_in adam B1 B2 eps loss_scale dynamic_minibatch optimized_memory workspace_size_limit_MB
  use_cuda_graph try_fix_nan weights_reject_freq equidistant_point badlabels_rejection_percentage
  num_sigmas_reject_badlabels ema_alpha max_crop min_crop flip blur gaussian_noise mixup cutmix mosaic
  mosaic_bound contrastive contrastive_jit_flip contrastive_color unsupervised label_smooth_eps
  resize_step attention adversarial_lr max_chart_loss angle aspect saturation exposure hue track
  augment_speed show_receptive_field
`)

export const layerTraining = words(`
  clip onlyforward dont_update burnin_update stopbackward train_only_bn learning_rate stream wait_stream
`)

export const convolutionTraining = words('assisted_excitation grad_centr reverse dot angle')

export const dropoutTraining = words('probability dropblock dropblock_size_rel dropblock_size_abs')

/**
 * `thresh` sets OpenCV's default score threshold only; `iou_thresh` assigns anchors to objects in
 * training.
 */
export const yoloTraining = words(`
  jitter resize random ignore_thresh truth_thresh iou_normalizer obj_normalizer cls_normalizer
  delta_normalizer uc_normalizer iou_loss iou_thresh_kind label_smooth_eps objectness_smooth max_delta
  focal_loss counters_per_class max show_details beta1 track_history_size sim_thresh dets_for_track
  dets_for_show track_ciou_norm embedding_layer thresh
`)
